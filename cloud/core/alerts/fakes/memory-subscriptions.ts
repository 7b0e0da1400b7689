/** Push subscriptions in memory. */
import type { AlertStore, PushSubscription } from "../ports.ts";

export type SubscriptionStore = Pick<
	AlertStore,
	"putSubscription" | "listSubscriptions" | "deleteSubscription"
>;

export function memorySubscriptions(): SubscriptionStore {
	let kept: readonly PushSubscription[] = [];
	const others = (subject: string, id: string) =>
		kept.filter((one) => one.subject !== subject || one.id !== id);
	return {
		async putSubscription(subscription) {
			const { subject, id } = subscription;
			kept = [...others(subject, id), subscription];
		},
		async listSubscriptions(subject) {
			return kept.filter((one) => one.subject === subject);
		},
		async deleteSubscription(subject, id) {
			kept = others(subject, id);
		},
	};
}
