/**
 * What becomes of an update after the restart: whether the new image came up, is confirmed by the cloud's first acknowledgement, or
 * gives itself up; and what is to be said of it, until somebody has said it.
 */
import type { System, TimerHandle, Timers } from "./ports.ts";
import type { Trial } from "./trial.ts";
import { KEY_KEY, SECURITY_KEY, type UpdateSettings } from "./update-check.ts";
import type { UpdateReason, UpdateSlots } from "./update-ports.ts";
import { type UpdateRecord, UpdateStore } from "./update-record.ts";

/** How long a new image is given, once so many attempts to connect have failed. */
export const ALLOWANCE_MS = 600_000;
export const ALLOWANCE_ATTEMPTS = 5;
/** How long it is given when it does not even try. */
export const LONGEST_MS = 1_800_000;
/** How often the bootloader is told to start a new image: the power may go twice, and no image is tried for ever. */
const MOST_TRIES = 3;

export interface UpdateOutcome {
	/** The job's. */
	readonly id: string;
	readonly version: string;
	/** null: the new image runs and is confirmed. */
	readonly reason: UpdateReason | null;
}

export interface UpdateTrialParts {
	readonly system: Pick<System, "log">;
	readonly timers: Timers;
	readonly settings: UpdateSettings;
	readonly slots: UpdateSlots;
	readonly trial: Trial;
	/** The node ends in good order and restarts. */
	onReady(): void;
	/** There is something to be said. */
	onOutcome(outcome: UpdateOutcome): void;
}

export class UpdateTrial {
	readonly #parts: UpdateTrialParts;
	readonly #store: UpdateStore;
	#record: UpdateRecord | null = null;
	#timer: TimerHandle | null = null;
	#failedAttempts = 0;

	constructor(parts: UpdateTrialParts) {
		this.#parts = parts;
		this.#store = new UpdateStore(parts.settings);
	}

	/** Id of the job whose update is on trial, or whose outcome is not settled. */
	get workingFor(): string | null {
		return this.#record?.id ?? null;
	}

	/** What is to be said of the last update; null while nothing is. */
	get outcome(): UpdateOutcome | null {
		const record = this.#record;
		if (record === null) return null;
		const { id, version, phase } = record;
		if (phase === "done") return { id, version, reason: null };
		if (phase === "failed")
			return { id, version, reason: record.reason ?? "not_confirmed" };
		return null;
	}

	/** At the start of the node. */
	begin(): void {
		const record = this.#store.read();
		if (record === null || record.phase === "load") return;
		this.#record = record;
		const { slots } = this.#parts;
		const isNew = slots.runningSlot === record.slot;
		if (record.phase === "switch") {
			if (isNew) this.move({ ...record, phase: "trial" });
			else this.switchAgain(record);
		} else if (record.phase === "trial" && !isNew) {
			this.settleFailed(record.reason ?? "not_confirmed");
		}
		if (this.#record.phase === "trial") this.watch();
		else this.tell();
	}

	/** The broker has acknowledged a message. */
	acknowledged(): void {
		this.#parts.trial.acknowledged();
		if (this.#record?.phase === "trial" && !this.#parts.trial.isOn)
			this.confirm();
	}

	/** An attempt to connect has failed. */
	attemptFailed(): void {
		this.#failedAttempts++;
		this.judge();
	}

	/** The outcome has been said; it is kept no longer. */
	settle(): void {
		if (this.outcome === null) return;
		const why = this.#store.clear();
		if (why === null) this.#record = null;
		else this.#parts.system.log("error", `An update's record stays: ${why}`);
	}

	/** A timer is not the node's last word: it ends with the node. */
	stop(): void {
		if (this.#timer !== null) this.#parts.timers.clear(this.#timer);
		this.#timer = null;
	}

	/** The power may have gone before the bootloader was told, or right after the new image's start. */
	private switchAgain(record: UpdateRecord): void {
		const tries = (record.tries ?? 1) + 1;
		if (tries > MOST_TRIES) {
			this.settleFailed("did_not_start");
			return;
		}
		if (!this.move({ ...record, tries })) return;
		try {
			this.#parts.slots.activate();
		} catch (error) {
			this.#parts.system.log("error", `The switch failed: ${error}`);
			this.settleFailed("switch_failed");
			return;
		}
		this.#parts.onReady();
	}

	private watch(): void {
		if (!this.#parts.trial.isOn) {
			// Confirmed, and the power went before that was written down; or a bootloader that knows no trial.
			this.confirm();
			return;
		}
		const { timers } = this.#parts;
		const next = (atMs: number) => {
			this.#timer = timers.set(
				() => {
					this.#timer = null;
					this.judge();
					if (atMs < LONGEST_MS) next(LONGEST_MS);
				},
				Math.max(0, atMs - timers.uptimeMs()),
			);
		};
		next(ALLOWANCE_MS);
	}

	private judge(): void {
		const { trial, timers, slots, system } = this.#parts;
		if (this.#record?.phase !== "trial" || !trial.isOn) return;
		const awakeMs = timers.uptimeMs();
		const isOver =
			awakeMs >= LONGEST_MS ||
			(awakeMs >= ALLOWANCE_MS && this.#failedAttempts >= ALLOWANCE_ATTEMPTS);
		if (!isOver) return;
		system.log(
			"error",
			`Nothing was acknowledged in ${awakeMs} ms and ${this.#failedAttempts} attempts: the image before is started.`,
		);
		this.move({ ...this.#record, reason: "no_acknowledgement" });
		try {
			slots.rollBack();
		} catch (error) {
			// It may be acknowledged yet: nothing is worse than no image at all.
			system.log("error", `There is no way back: ${error}`);
		}
	}

	/** What the update changes for the next ones is in force before it counts as done. */
	private confirm(): void {
		const record = this.#record;
		if (record === null) return;
		const { settings, system } = this.#parts;
		const { securityVersion, nextKey } = record;
		const stored = Number(settings.get(SECURITY_KEY) ?? 0);
		let why: string | null = null;
		if (!(stored >= securityVersion))
			why = settings.set(SECURITY_KEY, `${securityVersion}`);
		if (nextKey !== undefined && settings.get(KEY_KEY) !== nextKey)
			why ??= settings.set(KEY_KEY, nextKey);
		if (why !== null) {
			// The next acknowledgement tries again.
			system.log("error", `The update is not settled: ${why}`);
			return;
		}
		const { reason: _, ...confirmed } = record;
		if (!this.move({ ...confirmed, phase: "done" })) return;
		this.stop();
		this.tell();
	}

	private tell(): void {
		const { outcome } = this;
		if (outcome !== null) this.#parts.onOutcome(outcome);
	}

	private settleFailed(reason: UpdateReason): void {
		if (this.#record === null) return;
		this.move({ ...this.#record, phase: "failed", reason });
	}

	/** Goes by the record even where it cannot be stored. @returns whether it is stored */
	private move(record: UpdateRecord): boolean {
		const why = this.#store.write(record);
		if (why !== null) {
			this.#parts.system.log("error", `An update's record is lost: ${why}`);
			if (record.phase !== "failed" && record.phase !== "trial") return false;
		}
		this.#record = record;
		return why === null;
	}
}
