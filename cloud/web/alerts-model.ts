/** What the view of alerts shows: what fires, the rules for those who may see them, and the history. */
import { type Signal, signal } from "@preact/signals";
import { AlertList } from "./alert-model.ts";
import {
	type AlertEventInfo,
	createRule,
	listEvents,
	listRules,
	type RuleDraft,
	type RuleInfo,
	type RuleList,
	removeRule,
	testRule,
} from "./alerts-client.ts";
import { messageOf, signedOut } from "./app-state.ts";
import { type DeviceInfo, listDevices } from "./client.ts";
import { followLive, type LinkState } from "./live.ts";

const PAGE = 30;

export class AlertsModel {
	readonly now = new AlertList(null);
	readonly rules: Signal<readonly RuleInfo[]> = signal([]);
	/** What the cloud can tell, and a rule may name. */
	readonly tells: Signal<RuleList["tells"]> = signal([]);
	readonly devices: Signal<readonly DeviceInfo[]> = signal([]);
	readonly events: Signal<readonly AlertEventInfo[]> = signal([]);
	readonly hasMore = signal(false);
	readonly error: Signal<string | null> = signal(null);
	readonly link: Signal<LinkState> = signal("connecting");
	/** What came of trying rules, by their ids. */
	readonly tests: Signal<Readonly<Record<string, string>>> = signal({});
	readonly #seesRules: boolean;
	readonly #closing = new AbortController();

	constructor(seesRules: boolean) {
		this.#seesRules = seesRules;
	}

	/** Keeps up, once. @returns what ends it */
	open(): () => void {
		const closeNow = this.now.open();
		const endLive = followLive(null, {
			onState: (state) => {
				this.link.value = state;
			},
			onReady: () => void this.load(),
			onLive: () => undefined,
			onUnreadable: () => undefined,
			onBlock: () => undefined,
			onDevice: () => undefined,
			onAlert: () => {
				this.now.refresh();
				void this.#loadEvents();
			},
			onSignedOut: signedOut,
		});
		void this.load();
		return () => {
			this.#closing.abort();
			endLive();
			closeNow();
		};
	}

	async load(): Promise<void> {
		this.now.refresh();
		await Promise.all([this.#loadEvents(), this.#loadRules()]);
	}

	async loadMore(): Promise<void> {
		await this.#attempt(async () => {
			const last = this.events.value.at(-1)?.id ?? null;
			const { events, next } = await listEvents(
				PAGE,
				last,
				this.#closing.signal,
			);
			this.events.value = [...this.events.value, ...events];
			this.hasMore.value = next !== null;
		});
	}

	/** @returns what is wrong with it, in a sentence; null when it has been made */
	async create(draft: RuleDraft): Promise<string | null> {
		try {
			await createRule(draft);
		} catch (error) {
			return messageOf(error);
		}
		await this.#loadRules();
		return null;
	}

	async remove(id: string): Promise<void> {
		await this.#attempt(() => removeRule(id));
		await this.load();
	}

	async test({ id }: RuleInfo): Promise<void> {
		this.#say(id, "Trying …");
		try {
			const results = await testRule(id);
			const failed = results.flatMap(({ error }) => error ?? []);
			this.#say(
				id,
				failed.length === 0 ? "All have been told." : failed.join(" "),
			);
		} catch (error) {
			this.#say(id, messageOf(error));
		}
	}

	#say(id: string, text: string): void {
		this.tests.value = { ...this.tests.value, [id]: text };
	}

	/** The newest page; older ones that are shown already stay. */
	async #loadEvents(): Promise<void> {
		await this.#attempt(async () => {
			const { events, next } = await listEvents(
				PAGE,
				null,
				this.#closing.signal,
			);
			const oldest = events.at(-1)?.id;
			const older =
				oldest === undefined || next === null
					? []
					: this.events.value.filter(({ id }) => id < oldest);
			this.events.value = [...events, ...older];
			if (older.length === 0) this.hasMore.value = next !== null;
		});
	}

	async #loadRules(): Promise<void> {
		if (!this.#seesRules) return;
		await this.#attempt(async () => {
			const [{ rules, tells }, devices] = await Promise.all([
				listRules(this.#closing.signal),
				listDevices(this.#closing.signal),
			]);
			this.rules.value = rules;
			this.tells.value = tells;
			this.devices.value = devices;
		});
	}

	async #attempt(work: () => Promise<void>): Promise<void> {
		try {
			await work();
			this.error.value = null;
		} catch (error) {
			if (this.#closing.signal.aborted) return;
			this.error.value = messageOf(error);
		}
	}
}
