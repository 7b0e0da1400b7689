/**
 * Runs in the browser when the cloud pushes something, also when the page is not open: shows it, and opens the device
 * when it is clicked. It keeps nothing and answers no requests of the page.
 */
import { readPushMessage, viewOf } from "./push-message.ts";

/** As much of the Service Worker API as is used here; TypeScript's library of the page does not have it. */
interface WaitableEvent extends Event {
	waitUntil(work: Promise<unknown>): void;
}
interface PushEvent extends WaitableEvent {
	readonly data: { text(): string } | null;
}
interface ClickEvent extends WaitableEvent {
	readonly notification: Notification;
}
interface ChangeEvent extends WaitableEvent {
	readonly newSubscription?: PushSubscription | null;
	readonly oldSubscription?: PushSubscription | null;
}
interface PageWindow {
	focus(): Promise<PageWindow>;
	navigate(url: string): Promise<PageWindow | null>;
}
interface Worker {
	readonly registration: ServiceWorkerRegistration;
	readonly clients: {
		claim(): Promise<void>;
		matchAll(options: { readonly type: "window" }): Promise<PageWindow[]>;
		openWindow(url: string): Promise<PageWindow | null>;
	};
	skipWaiting(): Promise<void>;
	addEventListener<E extends Event>(
		type: string,
		listener: (event: E) => void,
	): void;
}
/** Of the browsers that know them, beside those that all know. */
interface Options extends NotificationOptions {
	readonly renotify?: boolean;
	readonly timestamp?: number;
}

const worker = self as unknown as Worker;

worker.addEventListener<WaitableEvent>("install", (event) =>
	event.waitUntil(worker.skipWaiting()),
);

// Only a window that it controls can be led to another view.
worker.addEventListener<WaitableEvent>("activate", (event) =>
	event.waitUntil(worker.clients.claim()),
);

worker.addEventListener<PushEvent>("push", (event) =>
	event.waitUntil(show(event.data?.text() ?? "")),
);

worker.addEventListener<ClickEvent>("notificationclick", (event) => {
	event.notification.close();
	const { device = null } = (event.notification.data ?? {}) as {
		device?: string | null;
	};
	event.waitUntil(open(viewOf(device)));
});

worker.addEventListener<ChangeEvent>("pushsubscriptionchange", (event) =>
	event.waitUntil(subscribeAnew(event)),
);

async function show(text: string): Promise<void> {
	const { title, body, id, tag, device, isFiring, atMs } =
		readPushMessage(text);
	const shown = await worker.registration.getNotifications({ tag });
	const options: Options = {
		body,
		icon: "/favicon.svg",
		data: { id, device },
		requireInteraction: isFiring,
		...(atMs === null ? {} : { timestamp: atMs }),
		...(tag === ""
			? {}
			: {
					tag,
					// What comes a second time, since the cloud was not sure of the first, makes no second sound.
					renotify: !shown.some(({ data }) => data?.id === id),
				}),
	};
	await worker.registration.showNotification(title, options);
}

async function open(view: string): Promise<void> {
	const [window] = await worker.clients.matchAll({ type: "window" });
	if (window === undefined) {
		await worker.clients.openWindow(view);
		return;
	}
	const led = await window.navigate(view);
	await (led ?? window).focus();
}

/** The browser has given itself another address: the cloud would write to the old one until it is told that it ended. */
async function subscribeAnew(event: ChangeEvent): Promise<void> {
	const options = event.oldSubscription?.options;
	const subscription =
		event.newSubscription ??
		(options === undefined
			? null
			: await worker.registration.pushManager.subscribe(options));
	if (subscription === null) return;
	const { endpoint, keys } = subscription.toJSON();
	await fetch("/v1/push/subscriptions", {
		method: "POST",
		credentials: "same-origin",
		headers: { "Content-Type": "application/json" },
		body: JSON.stringify({ type: "web", endpoint, keys }),
	});
}
