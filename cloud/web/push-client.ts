/** /v1/push of the HTTP API, as the page uses it. */
import { request } from "./client.ts";

/** What `pushManager.subscribe` takes. @throws ApiError 404 where the cloud does not send to browsers */
export async function getPushKey(): Promise<string> {
	const response = await request("/v1/push/key", {});
	return ((await response.json()) as { key: string }).key;
}

/** Ids of the signed-in person's subscriptions. */
export async function listPushIds(): Promise<readonly string[]> {
	const response = await request("/v1/push/subscriptions", {});
	const { subscriptions } = (await response.json()) as {
		subscriptions: readonly { readonly id: string }[];
	};
	return subscriptions.map(({ id }) => id);
}

export async function addPush(subscription: PushSubscription): Promise<void> {
	const { endpoint, keys } = subscription.toJSON();
	await request("/v1/push/subscriptions", {
		method: "POST",
		headers: { "Content-Type": "application/json" },
		body: JSON.stringify({ type: "web", endpoint, keys }),
	});
}

export async function removePush(id: string): Promise<void> {
	await request(`/v1/push/subscriptions/${id}`, { method: "DELETE" });
}

/** As the cloud names a subscription: SHA-256 of its endpoint, hex. */
export async function pushId(subscription: PushSubscription): Promise<string> {
	const digest = await crypto.subtle.digest(
		"SHA-256",
		new TextEncoder().encode(subscription.endpoint),
	);
	return Array.from(new Uint8Array(digest), (byte) =>
		byte.toString(16).padStart(2, "0"),
	).join("");
}
