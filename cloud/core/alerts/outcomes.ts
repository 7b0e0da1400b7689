/** How an attempt to deliver ended, in short. */
import type { DeliveryOutcome, NotificationTarget } from "./ports.ts";

export const DELIVERED: DeliveryOutcome = { result: "delivered" };

export function retry(error: string, waitMs?: number): DeliveryOutcome {
	return waitMs === undefined
		? { result: "retry", error }
		: { result: "retry", error, waitMs };
}

export function failed(error: string): DeliveryOutcome {
	return { result: "failed", error };
}

const NAMES: Readonly<Record<NotificationTarget["type"], string>> = {
	email: "e-mail",
	webhook: "webhooks",
	push: "push notifications",
};

/** A kind of target that this cloud has no way to. */
export function unsupported(kind: NotificationTarget["type"]): DeliveryOutcome {
	return failed(`This cloud is not set up for ${NAMES[kind] ?? kind}.`);
}
