/**
 * Makes an image out of the one that runs and a difference to it (protocol/delta-format.ts), as the difference comes in: it holds
 * nothing of either, and can stop at any byte and go on later, after a restart too, from what `state` says.
 */
import {
	DELTA_FORM,
	DELTA_MAGIC,
	MAX_DELTA_VARINT_BYTES,
} from "../../protocol/delta-format.ts";

export type DeltaReason =
	/** Not the bytes of a difference. */
	| "delta_malformed"
	/** A difference to an image of another size, or of an image of another size. */
	| "delta_sizes"
	/** A copy of what is not in the base, or more than the image takes. */
	| "delta_bounds";

export class DeltaError extends Error {
	override readonly name = "DeltaError";
	readonly code: DeltaReason;

	constructor(code: DeltaReason, message: string) {
		super(message);
		this.code = code;
	}
}

/** The image that runs, from flash. */
export interface DeltaBase {
	readonly sizeBytes: number;
	/** Fills `into` from `offset`; both ends lie within the size. */
	read(offset: number, into: Uint8Array): void;
}

/** What a decoder knows, as integers: `new DeltaDecoder(base, size, state)` goes on from there. */
export type DeltaState = readonly number[];

const HEADER = 0;
const BASE_SIZE = 1;
const IMAGE_SIZE = 2;
const RECORD = 3;
const INSERT = 4;
const COPY_FROM = 5;
const SAME_COUNT = 6;
const SAME = 7;
const CHANGED_COUNT = 8;
const CHANGED = 9;
const LAST_PHASE = CHANGED;

const STATE_LENGTH = 7;

export class DeltaDecoder {
	readonly #base: DeltaBase;
	readonly #sizeBytes: number;
	#phase = HEADER;
	/** Bytes of the varint under way, and its value so far; in the header, bytes of it. */
	#digits = 0;
	#value = 0;
	/** Bytes of the record that are still to come out. */
	#left = 0;
	/** Of those, the ones of the run under way. */
	#run = 0;
	/** Where in the base the next copied byte is. */
	#from = 0;
	#done = 0;

	/**
	 * @param sizeBytes of the image
	 * @param state of another decoder, to go on from there
	 * @throws DeltaError delta_malformed when the state is none
	 */
	constructor(base: DeltaBase, sizeBytes: number, state?: DeltaState) {
		this.#base = base;
		this.#sizeBytes = sizeBytes;
		if (state !== undefined) this.restore(state);
	}

	/** Bytes of the image that have come out. */
	get doneBytes(): number {
		return this.#done;
	}

	get isWhole(): boolean {
		return this.#phase === RECORD && this.#done === this.#sizeBytes;
	}

	get state(): DeltaState {
		return [
			this.#phase,
			this.#digits,
			this.#value,
			this.#left,
			this.#run,
			this.#from,
			this.#done,
		];
	}

	private restore(state: DeltaState): void {
		const isState =
			state.length === STATE_LENGTH &&
			state.every((one) => Number.isInteger(one) && one >= 0);
		const [phase, digits, value, left, run, from, done] = state as readonly [
			number,
			number,
			number,
			number,
			number,
			number,
			number,
		];
		if (
			!isState ||
			phase > LAST_PHASE ||
			run > left ||
			done + left > this.#sizeBytes ||
			(phase > COPY_FROM && from + left > this.#base.sizeBytes)
		)
			throw new DeltaError(
				"delta_malformed",
				"What was kept of the difference is damaged.",
			);
		this.#phase = phase;
		this.#digits = digits;
		this.#value = value;
		this.#left = left;
		this.#run = run;
		this.#from = from;
		this.#done = done;
	}

	/**
	 * Takes from `input` and puts into `output` until one of them is used up. What was put counts as done: the caller writes it
	 * before it keeps `state`.
	 * @returns how many bytes were taken and put
	 * @throws DeltaError, after which the decoder is of no use
	 */
	run(
		input: Uint8Array,
		output: Uint8Array,
	): { readonly taken: number; readonly put: number } {
		let taken = 0;
		let put = 0;
		for (;;) {
			if (this.isWhole) {
				if (taken < input.length)
					throw new DeltaError(
						"delta_malformed",
						"The difference goes on behind the end of the image.",
					);
				return { taken, put };
			}
			const count = Math.min(this.#run, output.length - put);
			switch (this.#phase) {
				case SAME:
					if (this.#run > 0 && count === 0) return { taken, put };
					this.copy(output.subarray(put, put + count));
					put += count;
					break;
				case INSERT:
				case CHANGED: {
					const take = Math.min(count, input.length - taken);
					if (this.#run > 0 && take === 0) return { taken, put };
					output.set(input.subarray(taken, taken + take), put);
					taken += take;
					put += take;
					this.advance(take);
					break;
				}
				default:
					if (taken === input.length) return { taken, put };
					this.takeByte(input[taken++] as number);
			}
		}
	}

	private copy(output: Uint8Array): void {
		this.#base.read(this.#from, output);
		this.advance(output.length);
	}

	/** `count` bytes of the run have come out. */
	private advance(count: number): void {
		this.#run -= count;
		this.#left -= count;
		this.#done += count;
		if (this.#phase !== INSERT) this.#from += count;
		if (this.#run > 0) return;
		if (this.#phase === SAME) this.#phase = CHANGED_COUNT;
		else this.#phase = this.#left > 0 ? SAME_COUNT : RECORD;
	}

	private takeByte(byte: number): void {
		if (this.#phase === HEADER) {
			const expected =
				this.#digits < DELTA_MAGIC.length
					? DELTA_MAGIC[this.#digits]
					: DELTA_FORM;
			if (byte !== expected)
				throw new DeltaError(
					"delta_malformed",
					"These are not the bytes of a difference that this firmware knows.",
				);
			this.#digits++;
			if (this.#digits <= DELTA_MAGIC.length) return;
			this.#digits = 0;
			this.#phase = BASE_SIZE;
			return;
		}
		this.#value += (byte & 0x7f) * 2 ** (7 * this.#digits);
		this.#digits++;
		if (byte >= 0x80) {
			if (this.#digits >= MAX_DELTA_VARINT_BYTES)
				throw new DeltaError(
					"delta_malformed",
					"A number of the difference does not end.",
				);
			return;
		}
		const value = this.#value;
		this.#value = 0;
		this.#digits = 0;
		this.takeNumber(value);
	}

	private takeNumber(value: number): void {
		switch (this.#phase) {
			case BASE_SIZE:
				this.requireSize("base", value, this.#base.sizeBytes);
				this.#phase = IMAGE_SIZE;
				break;
			case IMAGE_SIZE:
				this.requireSize("image", value, this.#sizeBytes);
				this.#phase = RECORD;
				break;
			case RECORD:
				this.beginRecord(value);
				break;
			case COPY_FROM: {
				const step = value % 2 === 0 ? value / 2 : -(value + 1) / 2;
				this.#from += step;
				if (this.#from < 0 || this.#from + this.#left > this.#base.sizeBytes)
					throw new DeltaError(
						"delta_bounds",
						`The difference copies ${this.#left} bytes from ${this.#from} of an image of ${this.#base.sizeBytes}.`,
					);
				this.#phase = SAME_COUNT;
				break;
			}
			case SAME_COUNT:
				this.beginRun(value, SAME);
				break;
			default:
				this.beginRun(value, CHANGED);
		}
	}

	private requireSize(what: string, value: number, expected: number): void {
		if (value !== expected)
			throw new DeltaError(
				"delta_sizes",
				`The difference is for ${what === "base" ? "a base" : "an image"} of ${value} bytes; this one has ${expected}.`,
			);
	}

	private beginRecord(value: number): void {
		const isCopy = value % 2 === 1;
		const count = (value - (isCopy ? 1 : 0)) / 2;
		if (count === 0)
			throw new DeltaError(
				"delta_malformed",
				"A record of the difference is empty.",
			);
		if (count > this.#sizeBytes - this.#done)
			throw new DeltaError(
				"delta_bounds",
				`The difference makes more than the image's ${this.#sizeBytes} bytes.`,
			);
		this.#left = count;
		this.#run = isCopy ? 0 : count;
		this.#phase = isCopy ? COPY_FROM : INSERT;
	}

	private beginRun(value: number, phase: number): void {
		if (value > this.#left)
			throw new DeltaError(
				"delta_bounds",
				"A copy of the difference is longer than it says.",
			);
		// Without this, empty runs could follow one another for ever.
		if (value === 0 && phase === CHANGED && this.#left > 0)
			throw new DeltaError(
				"delta_malformed",
				"A copy of the difference stands still.",
			);
		this.#run = value;
		this.#phase = phase;
		if (value > 0) return;
		this.advance(0);
	}
}
