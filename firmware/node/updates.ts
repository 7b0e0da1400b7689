/**
 * What a node has to do with updates beside the job that brings one: the image on trial, and what became of the last update, until a
 * job has taken note of it. While there is neither, it keeps nothing for either.
 */
import type { CloudLink } from "./cloud-link.ts";
import type { Operation } from "./job.ts";
import type { Board, System } from "./ports.ts";
import type { NodeSettings } from "./settings.ts";
import { Trial } from "./trial.ts";
import { UpdateOperation } from "./update-job.ts";
import { UpdateStore } from "./update-record.ts";
import { type UpdateOutcome, UpdateTrial } from "./update-trial.ts";

export interface UpdatesParts {
	readonly board: Board;
	readonly system: System;
	readonly settings: NodeSettings;
	/** Ends in good order and starts the board anew. */
	restart(): void;
}

export class Updates {
	readonly #parts: UpdatesParts;
	readonly #trial: Trial;
	#after: UpdateTrial | null = null;
	/** Of the job that the node has, where that is an update. */
	#operation: UpdateOperation | null = null;

	constructor(parts: UpdatesParts) {
		this.#parts = parts;
		this.#trial = new Trial(parts.board.slots, parts.system);
	}

	/** A board on trial must not sleep: a wake would boot the image before. */
	get isOnTrial(): boolean {
		return this.#trial.isOn;
	}

	/** At the start of the node, before its jobs. May restart it. */
	begin(): void {
		const { board, system, settings, restart } = this.#parts;
		const { update, timers } = board;
		if (update === undefined || new UpdateStore(settings).read() === null)
			return;
		this.#after = new UpdateTrial({
			system,
			timers,
			settings,
			slots: update.slots,
			trial: this.#trial,
			onReady: restart,
			onOutcome: (outcome) => this.#operation?.tell(outcome),
		});
		this.#after.begin();
		this.forgetIfSettled();
	}

	/** The node ends. */
	stop(): void {
		this.#after?.stop();
		this.#operation?.stop();
	}

	// What comes of connections

	/** The broker has acknowledged a message. */
	acknowledged(): void {
		if (this.#after === null) this.#trial.acknowledged();
		else this.#after.acknowledged();
	}

	/** An attempt to connect has failed. */
	attemptFailed(): void {
		this.#after?.attemptFailed();
	}

	// What the job needs

	/** @returns null on a board that cannot be updated */
	operation(thing: string, link: CloudLink): Operation | null {
		const { board, system, settings, restart } = this.#parts;
		const { update, timers } = board;
		if (update === undefined) return null;
		this.#operation = new UpdateOperation({
			thing,
			link,
			timers,
			system,
			settings,
			update,
			updates: this,
			restart,
		});
		return this.#operation;
	}

	/** Id of the job whose update is on trial, or is not settled. */
	get unsettled(): string | null {
		return this.#after?.workingFor ?? null;
	}

	/** What is to be said of the last update; null while nothing is. */
	get outcome(): UpdateOutcome | null {
		return this.#after?.outcome ?? null;
	}

	/** The outcome has been said. */
	settle(): void {
		this.#after?.settle();
		this.forgetIfSettled();
	}

	/** That operation has nothing more to be told. */
	leave(operation: UpdateOperation): void {
		if (this.#operation === operation) this.#operation = null;
	}

	private forgetIfSettled(): void {
		if (this.unsettled === null) this.#after = null;
	}
}
