/** Whether this browser shows the signed-in person's alerts, and turning that on and off. */
import { signal } from "@preact/signals";
import { messageOf } from "./app-state.ts";
import { ApiError } from "./client.ts";
import {
	addPush,
	getPushKey,
	listPushIds,
	pushId,
	removePush,
} from "./push-client.ts";

export type PushState =
	| { readonly is: "checking" }
	/** Push needs a page from https, or from this machine. */
	| { readonly is: "insecure" }
	| { readonly is: "unsupported" }
	/** The cloud does not send to browsers. */
	| { readonly is: "unavailable" }
	/** The person has told the browser not to. */
	| { readonly is: "denied" }
	| { readonly is: "off" }
	| { readonly is: "changing" }
	| { readonly is: "on" }
	| { readonly is: "failed"; readonly message: string };

const WORKER = "/service-worker.js";

export const pushState = signal<PushState>({ is: "checking" });

export async function checkPush(): Promise<void> {
	await settle({ is: "checking" }, findState);
}

export async function turnPushOn(): Promise<void> {
	await settle({ is: "changing" }, async () => {
		const permission = await Notification.requestPermission();
		if (permission === "denied") return { is: "denied" };
		// Closed without an answer.
		if (permission !== "granted") return { is: "off" };
		await navigator.serviceWorker.register(WORKER);
		const registration = await navigator.serviceWorker.ready;
		await addPush(await subscribe(registration, await getPushKey()));
		return { is: "on" };
	});
}

export async function turnPushOff(): Promise<void> {
	await settle({ is: "changing" }, async () => {
		const subscription = await currentSubscription();
		if (subscription !== null) {
			const id = await pushId(subscription);
			// First what works without the cloud: from here on nothing is shown.
			await subscription.unsubscribe();
			await removePush(id);
		}
		return { is: "off" };
	});
}

/**
 * For signing out: whoever uses the browser next is not to see the alerts of who used it before. The cloud learns it from
 * the push service, with the next message.
 */
export async function silencePush(): Promise<void> {
	await (await currentSubscription())?.unsubscribe();
}

async function settle(
	meanwhile: PushState,
	work: () => Promise<PushState>,
): Promise<void> {
	pushState.value = meanwhile;
	try {
		pushState.value = await work();
	} catch (error) {
		pushState.value = { is: "failed", message: sentenceOf(error) };
	}
}

async function findState(): Promise<PushState> {
	if (!isSecureContext) return { is: "insecure" };
	if (!isSupported()) return { is: "unsupported" };
	if (!(await isAvailable())) return { is: "unavailable" };
	if (Notification.permission === "denied") return { is: "denied" };
	const subscription = await currentSubscription();
	if (subscription === null) return { is: "off" };
	// Somebody else may have subscribed here, or the cloud may have been told that it ended.
	const known = await listPushIds();
	return known.includes(await pushId(subscription))
		? { is: "on" }
		: { is: "off" };
}

function isSupported(): boolean {
	return (
		"serviceWorker" in navigator &&
		"PushManager" in window &&
		"Notification" in window
	);
}

async function isAvailable(): Promise<boolean> {
	try {
		await getPushKey();
		return true;
	} catch (error) {
		if (error instanceof ApiError && error.status === 404) return false;
		throw error;
	}
}

async function currentSubscription(): Promise<PushSubscription | null> {
	if (!isSecureContext || !isSupported()) return null;
	const registration = await navigator.serviceWorker.getRegistration();
	return (await registration?.pushManager.getSubscription()) ?? null;
}

/** A subscription belongs to one key: what another cloud at this address left is given up. */
async function subscribe(
	{ pushManager }: ServiceWorkerRegistration,
	key: string,
): Promise<PushSubscription> {
	const options = { userVisibleOnly: true, applicationServerKey: key };
	try {
		return await pushManager.subscribe(options);
	} catch (error) {
		const old = await pushManager.getSubscription();
		const isOtherKey =
			error instanceof DOMException && error.name === "InvalidStateError";
		if (!isOtherKey || old === null) throw error;
		await old.unsubscribe();
		return pushManager.subscribe(options);
	}
}

/** What a browser says when it has no way to its push service is of no help to people. */
function sentenceOf(error: unknown): string {
	if (error instanceof DOMException && error.name === "AbortError") {
		return "The browser could not reach its push service.";
	}
	return messageOf(error);
}
