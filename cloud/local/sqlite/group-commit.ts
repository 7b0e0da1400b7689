import {
	type NewBlock,
	type PutOutcome,
	StoreError,
} from "../../core/ports.ts";
import {
	type Call,
	type GroupResult,
	OUTCOMES,
	type Settled,
	type WriteOperations,
} from "./messages.ts";
import { packBlocks } from "./packing.ts";
import type { DatabaseThread } from "./thread.ts";

/** So that a group's commit stays well below a second, however much waits. */
const MAX_GROUP_BLOCKS = 4096;
const MAX_GROUP_BYTES = 8 * 1024 * 1024;

interface WaitingPut {
	readonly blocks: readonly NewBlock[];
	resolve(outcomes: readonly PutOutcome[]): void;
	reject(error: StoreError): void;
}

interface WaitingCall {
	readonly call: Call<WriteOperations>;
	resolve(value: unknown): void;
	reject(error: StoreError): void;
}

/**
 * Group commit: what arrives while a commit is under way makes up the next one, so that one sync of the disk serves
 * all of it. The fewer the writers the smaller the group; nobody waits for a timer.
 */
export class GroupCommit {
	readonly #thread: DatabaseThread;
	#puts: WaitingPut[] = [];
	#calls: WaitingCall[] = [];
	#busy = false;
	#idle: (() => void)[] = [];

	constructor(thread: DatabaseThread) {
		this.#thread = thread;
	}

	put(blocks: readonly NewBlock[]): Promise<readonly PutOutcome[]> {
		return new Promise((resolve, reject) => {
			this.#puts.push({ blocks, resolve, reject });
			this.#schedule();
		});
	}

	call<Name extends keyof WriteOperations>(
		name: Name,
		...parameters: Parameters<WriteOperations[Name]>
	): Promise<ReturnType<WriteOperations[Name]>> {
		return new Promise((resolve, reject) => {
			this.#calls.push({
				call: { name, parameters } as unknown as Call<WriteOperations>,
				resolve: (value) => resolve(value as ReturnType<WriteOperations[Name]>),
				reject,
			});
			this.#schedule();
		});
	}

	/** Resolves when everything that waits has been written or refused. */
	drained(): Promise<void> {
		if (!this.#busy) return Promise.resolve();
		return new Promise((resolve) => this.#idle.push(resolve));
	}

	/** One group follows the other; the first begins in the next microtask, so that a burst is one group. */
	#schedule(): void {
		if (this.#busy) return;
		this.#busy = true;
		queueMicrotask(() => void this.#run());
	}

	async #run(): Promise<void> {
		while (this.#puts.length > 0 || this.#calls.length > 0) {
			const puts = this.#takePuts();
			const calls = this.#calls;
			this.#calls = [];
			await this.#commit(puts, calls);
		}
		this.#busy = false;
		for (const resolve of this.#idle.splice(0)) resolve();
	}

	#takePuts(): readonly WaitingPut[] {
		let blocks = 0;
		let sizeBytes = 0;
		let count = 0;
		for (const put of this.#puts) {
			if (blocks >= MAX_GROUP_BLOCKS || sizeBytes >= MAX_GROUP_BYTES) break;
			blocks += put.blocks.length;
			for (const block of put.blocks) sizeBytes += block.bytes.length;
			count++;
		}
		return this.#puts.splice(0, count);
	}

	async #commit(
		puts: readonly WaitingPut[],
		calls: readonly WaitingCall[],
	): Promise<void> {
		try {
			const numbers = new Map<string, number>();
			const packed =
				puts.length === 0
					? null
					: packBlocks(
							puts.flatMap((put) => put.blocks),
							(thing) => numberOf(numbers, thing),
						);
			const group = {
				things: [...numbers.keys()],
				packed,
				calls: calls.map(({ call }) => call),
			};
			const result = (await this.#thread.ask(
				{ group },
				packed === null ? [] : [packed.numbers.buffer, packed.bytes.buffer],
			)) as GroupResult;
			settlePuts(puts, result.blocks);
			for (const [i, call] of calls.entries()) {
				settle(call, result.calls[i], (value) => call.resolve(value));
			}
		} catch (error) {
			const failure =
				error instanceof StoreError
					? error
					: new StoreError("unavailable", "The group was not written.", {
							cause: error,
						});
			for (const one of puts) one.reject(failure);
			for (const one of calls) one.reject(failure);
		}
	}
}

function numberOf(numbers: Map<string, number>, thing: string): number {
	const known = numbers.get(thing);
	if (known !== undefined) return known;
	numbers.set(thing, numbers.size);
	return numbers.size - 1;
}

function settlePuts(puts: readonly WaitingPut[], result: Settled): void {
	let at = 0;
	for (const put of puts) {
		const from = at;
		at += put.blocks.length;
		settle(put, result, (value) => {
			const outcomes = (value as Uint8Array).subarray(
				from,
				from + put.blocks.length,
			);
			put.resolve(Array.from(outcomes, (code) => OUTCOMES[code] ?? "conflict"));
		});
	}
}

function settle(
	waiting: { reject(error: StoreError): void },
	result: Settled | undefined,
	resolve: (value: unknown) => void,
): void {
	if (result?.ok) resolve(result.value);
	else {
		const { code, message } = result?.failure ?? {
			code: "unavailable",
			message: "The database gave no answer.",
		};
		waiting.reject(new StoreError(code, message));
	}
}
