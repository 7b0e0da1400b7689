/**
 * What alerts need of the world: where rules, states and events rest, and who delivers what is to be said.
 * Times are integers in ms since the Unix epoch, UTC.
 */

/** When a rule holds. */
export type AlertCondition =
	| {
			readonly type: "threshold";
			readonly channel: string;
			readonly direction: "above" | "below";
			/** In the channel's unit. */
			readonly limit: number;
			/** How far back over the limit a value has to come before it counts as well again: 0 or more. */
			readonly hysteresis: number;
			/** How long it has to hold before the alert fires, ms; 0 for at once. */
			readonly forMs: number;
	  }
	/** No reading of a channel, or of any, for so long. */
	| {
			readonly type: "no_data";
			readonly channel: string | null;
			readonly forMs: number;
	  }
	/** Not connected for so long. */
	| { readonly type: "offline"; readonly forMs: number };

/** Where an alert is delivered to. */
export type NotificationTarget =
	| { readonly type: "email"; readonly address: string }
	| { readonly type: "webhook"; readonly url: string }
	/** Every browser or telephone that a person has subscribed. */
	| { readonly type: "push"; readonly subject: string };

export interface AlertRule {
	/** 16 lower-case hex digits. */
	readonly id: string;
	/** For people: "Freezer too warm". */
	readonly name: string;
	/** One device, or null for each of them. */
	readonly device: string | null;
	readonly condition: AlertCondition;
	readonly enabled: boolean;
	readonly notify: readonly NotificationTarget[];
	/** Who made it: an `Identity`'s subject. */
	readonly owner: string;
	readonly createdMs: number;
	readonly updatedMs: number;
}

/** Where there is no state, it is `ok`; `resolved` is `ok` after having fired. */
export type AlertStatus = "ok" | "pending" | "firing" | "resolved";

/** What has to be said: that an alert fires, or that it no longer does. Identified by `id` for ever. */
export interface AlertEvent {
	/**
	 * Rule, device, time and status decide it, so that the same event made twice is one. It begins with the time, so
	 * that by it events are in the order in which they happened: `eventId` makes it.
	 */
	readonly id: string;
	readonly ruleId: string;
	readonly ruleName: string;
	readonly device: string;
	readonly status: "firing" | "resolved";
	readonly atMs: number;
	/** The value that decided, with its unit; null for conditions without one. */
	readonly value: number | null;
	readonly unit: string | null;
	/** A sentence for people. */
	readonly text: string;
	readonly deliveries: readonly Delivery[];
}

export interface Delivery {
	readonly target: NotificationTarget;
	readonly status: "pending" | "delivered" | "failed";
	readonly attempts: number;
	/** When to try next; null when there is nothing more to try. */
	readonly nextAttemptMs: number | null;
	/** Why the last attempt failed; null when none has. */
	readonly error: string | null;
}

/** Where one rule stands for one device. */
export interface AlertState {
	readonly ruleId: string;
	readonly device: string;
	readonly status: AlertStatus;
	/** Since when it has had this status: for `pending`, since when the condition has held. */
	readonly sinceMs: number;
	/** Readings up to here had been judged when it was written; they change nothing any more. */
	readonly judgedToMs: number;
	/** The condition it was judged by, as `conditionKey` writes it: a rule that has been changed is judged anew. */
	readonly judgedBy: string;
	/** The value that decided, in the channel's unit; null for conditions without one. */
	readonly value: number | null;
	readonly unit: string | null;
	/**
	 * Events that are still to be delivered, oldest first: they rest in the state, so that neither is kept without the
	 * other.
	 */
	readonly outbox: readonly AlertEvent[];
	/** When there is something to be done about the outbox; null while it is empty. */
	readonly dueMs: number | null;
	/** Counts up with each change. */
	readonly version: number;
}

export interface AlertStore {
	putRule(rule: AlertRule): Promise<void>;
	getRule(id: string): Promise<AlertRule | null>;
	/** By name, then id. */
	listRules(): Promise<readonly AlertRule[]>;
	/** With its states and what is in their outboxes; its events stay. No effect where there is none. */
	deleteRule(id: string): Promise<void>;

	getState(ruleId: string, device: string): Promise<AlertState | null>;
	/** By device, then rule. */
	listStates(device?: string): Promise<readonly AlertState[]>;
	/**
	 * Keeps a state when the one that is there has `version` one lower (or none is there and `version` is 1).
	 * @returns false when somebody else was faster: nothing changed
	 */
	putState(state: AlertState): Promise<boolean>;
	/** States whose `dueMs` is not after `nowMs`, those due first before the others. */
	due(nowMs: number, limit: number): Promise<readonly AlertState[]>;

	/** Keeps an event in the history, or replaces the one with its id. */
	putEvent(event: AlertEvent): Promise<void>;
	/** Newest first: by `id`, descending. */
	listEvents(options: {
		readonly limit: number;
		/** `id` of the last one of the page before. */
		readonly after?: string;
		readonly device?: string;
	}): Promise<readonly AlertEvent[]>;

	/** Keeps a subscription, or replaces the one with its id. */
	putSubscription(subscription: PushSubscription): Promise<void>;
	/** Oldest first: by `createdMs`, then id. */
	listSubscriptions(subject: string): Promise<readonly PushSubscription[]>;
	deleteSubscription(subject: string, id: string): Promise<void>;
}

/** A browser (Web Push, RFC 8030) or a telephone (SNS mobile push) that shows what a person is told. */
export interface PushSubscription {
	/** SHA-256 of the endpoint or token, hex: the same one subscribed twice is one. */
	readonly id: string;
	readonly subject: string;
	readonly createdMs: number;
	readonly channel:
		| {
				readonly type: "web";
				readonly endpoint: string;
				/** `p256dh` and `auth` of the Push API, base64url. */
				readonly keys: { readonly p256dh: string; readonly auth: string };
		  }
		| {
				readonly type: "mobile";
				/** Which platform application it belongs to: "apns", "fcm". */
				readonly platform: string;
				readonly token: string;
		  };
}

/** What a notifier is given to say. */
export interface Notification {
	readonly event: AlertEvent;
	readonly subject: string;
	readonly text: string;
	/** The page of the device; null when nobody knows under what address it is served. */
	readonly link: string | null;
}

/** How one attempt to deliver ended. */
export type DeliveryOutcome =
	| { readonly result: "delivered" }
	/** Worth another attempt, though not before `waitMs` from now, where the other side has asked for that. */
	| {
			readonly result: "retry";
			readonly error: string;
			readonly waitMs?: number;
	  }
	/** Will not go through however often it is tried. */
	| { readonly result: "failed"; readonly error: string };

/** Delivers by one or more kinds of target; on one machine SMTP, webhook and web push, on AWS SNS. */
export interface Notifier {
	/** The kinds of target it can deliver to as it is configured. */
	readonly kinds: readonly NotificationTarget["type"][];
	/** Never throws for what the other side does: that is an outcome. */
	deliver(
		target: NotificationTarget,
		notification: Notification,
	): Promise<DeliveryOutcome>;
}
