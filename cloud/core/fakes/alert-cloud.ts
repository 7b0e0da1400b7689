/** A cloud's core with alerts, on stores in memory, and a notifier that is told how deliveries end. */
import { Alerts } from "../alerts/alerts.ts";
import type {
	AlertRule,
	AlertState,
	DeliveryOutcome,
	Notification,
	NotificationTarget,
	Notifier,
} from "../alerts/ports.ts";
import { Ingest } from "../ingest.ts";
import { type LiveEvent, LiveHub } from "../live-hub.ts";
import { type MemoryStores, memoryStores } from "./memory-stores.ts";

export class FakeNotifier implements Notifier {
	kinds: NotificationTarget["type"][] = ["email", "webhook", "push"];
	/** Ends one attempt after the other; delivered when there are no more. */
	readonly outcomes: (DeliveryOutcome | Error)[] = [];
	readonly told: {
		readonly target: NotificationTarget;
		readonly notification: Notification;
	}[] = [];
	/** Runs before an attempt ends. */
	meanwhile: () => Promise<void> = async () => undefined;

	async deliver(
		target: NotificationTarget,
		notification: Notification,
	): Promise<DeliveryOutcome> {
		this.told.push({ target, notification });
		await this.meanwhile();
		const outcome = this.outcomes.shift() ?? { result: "delivered" };
		if (outcome instanceof Error) throw outcome;
		return outcome;
	}
}

export interface AlertCloud {
	readonly stores: MemoryStores;
	readonly alerts: Alerts;
	readonly ingest: Ingest;
	readonly notifier: FakeNotifier;
	readonly clock: { now: number; nowMs(): number };
	readonly errors: unknown[];
	/** Of type "alert", in short: "firing boiler". */
	readonly news: string[];
	accept(payload: Uint8Array, thing?: string): Promise<void>;
	rule(changes?: Partial<AlertRule>): Promise<AlertRule>;
	state(rule: AlertRule, device?: string): Promise<AlertState | null>;
	/** Newest last, in short: "firing boiler". */
	history(): Promise<string[]>;
}

export function alertCloud(startMs: number): AlertCloud {
	const stores = memoryStores();
	const hub = new LiveHub();
	const clock = { now: startMs, nowMs: () => clock.now };
	const notifier = new FakeNotifier();
	const errors: unknown[] = [];
	const alerts = new Alerts({
		stores,
		hub,
		clock,
		notifier,
		onError: (error) => errors.push(error),
		random: () => 0,
		linkTo: (device) => `http://cloud.test/#/devices/${device}`,
	});
	const ingest = new Ingest(
		{ stores, hub, clock },
		{ onBlock: alerts.onBlock },
	);
	const news: string[] = [];
	hub.subscribe((event: LiveEvent) => {
		if (event.type === "alert") news.push(`${event.status} ${event.thing}`);
	});
	let rules = 0;
	return {
		stores,
		alerts,
		ingest,
		notifier,
		clock,
		errors,
		news,
		async accept(payload, thing = "boiler") {
			await ingest.accept({
				thing,
				topic: `$aws/rules/thinghz_blocks/${thing}/block`,
				payload,
			});
		},
		async rule(changes = {}) {
			const rule: AlertRule = {
				id: String(++rules).padStart(16, "0"),
				name: "Too warm",
				device: "boiler",
				condition: {
					type: "threshold",
					channel: "t",
					direction: "above",
					limit: 30,
					hysteresis: 0,
					forMs: 0,
				},
				enabled: true,
				notify: [{ type: "email", address: "cook@example.org" }],
				owner: "cook",
				createdMs: clock.now,
				updatedMs: clock.now,
				...changes,
			};
			await stores.alerts.putRule(rule);
			return rule;
		},
		state: (rule, device = "boiler") => stores.alerts.getState(rule.id, device),
		async history() {
			const events = await stores.alerts.listEvents({ limit: 100 });
			return events
				.map(({ status, device }) => `${status} ${device}`)
				.reverse();
		},
	};
}
