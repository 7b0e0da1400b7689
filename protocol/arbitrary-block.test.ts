/** Blocks of every shape, for the codec's tests. */
import fc from "fast-check";
import {
	type BlockInput,
	type Channel,
	type ClockBinding,
	MAX_CHANNELS,
	MAX_INTERVAL_MS,
	MAX_SAMPLES,
	MIN_INTERVAL_MS,
	MISSING,
} from "./block.ts";
import { encodeBlock, maxEncodedSize } from "./encode.ts";
import { encodeUtf8 } from "./utf8.ts";

const MAX_RAW = 0x7fff_ffff;
/** Objects as literals make them, so that deepEqual compares what matters. */
const PLAIN = { noNullPrototype: true } as const;
const LETTERS = "abcdefghijklmnopqrstuvwxyz";

function clamp(value: number): number {
	return Math.max(-MAX_RAW, Math.min(MAX_RAW, Math.round(value)));
}

const raw = fc.oneof(
	fc.integer({ min: -MAX_RAW, max: MAX_RAW }),
	fc.integer({ min: -300, max: 300 }),
	fc.constantFrom(0, 1, -1, MAX_RAW, -MAX_RAW),
);

const presence = fc.oneof(
	{ weight: 4, arbitrary: fc.constant(() => true) },
	fc.func<[number], boolean>(fc.boolean()),
	fc.nat(50).map((period) => (at: number) => at % (period + 1) !== 0),
	fc.tuple(fc.nat(40), fc.nat(40)).map(
		([from, size]) =>
			(at: number) =>
				at < from || at >= from + size,
	),
	fc.constant(() => false),
);

/** Values as a function of the index: constant, ramps, walks, steps, noise, curves, extremes. */
const signal = fc
	.record({
		seed: fc.integer(),
		level: raw,
		slope: fc.double({ min: -2000, max: 2000, noNaN: true }),
		bend: fc.constantFrom(0, 0, 0, 1, -3),
		noise: fc.constantFrom(0, 0, 1, 2, 5, 1000, 2 ** 20, 2 ** 31),
		spikeEvery: fc.constantFrom(0, 0, 7, 90),
		walk: fc.boolean(),
	})
	.map(({ seed, level, slope, bend, noise, spikeEvery, walk }) => {
		let state = seed;
		let wandered = 0;
		return (at: number): number => {
			state = (Math.imul(state, 1664525) + 1013904223) | 0;
			const random = ((state >>> 0) / 2 ** 32) * 2 - 1;
			wandered += random * noise;
			const rough = walk ? wandered : random * noise;
			const spike = spikeEvery > 0 && at % spikeEvery === 3 ? MAX_RAW : 0;
			return clamp(level + slope * at + bend * at * at + rough + spike);
		};
	});

const unit = fc
	.oneof(
		fc.constantFrom("", "°C", "hPa", "m/s", "%", "µg/m³", "😀"),
		fc.string({ unit: "binary", maxLength: 8 }),
	)
	.filter((text) => (encodeUtf8(text)?.length ?? 99) <= 16);

const id = fc
	.tuple(
		fc.constantFrom(...LETTERS),
		fc.string({
			unit: fc.constantFrom(...`${LETTERS}0123456789_.`),
			maxLength: 31,
		}),
	)
	.map(([letter, rest]) => letter + rest);

const channel: fc.Arbitrary<Channel> = fc.record(
	{
		id,
		unit,
		exponent: fc.integer({ min: -9, max: 9 }),
		kind: fc.constantFrom("gauge", "counter"),
	},
	PLAIN,
);

const timeMs = fc.oneof(
	fc.nat(100_000_000),
	fc.constantFrom(0, 2 ** 51, 1_790_000_000_000),
);

const clock: fc.Arbitrary<ClockBinding | null> = fc.option(
	fc.record(
		{
			bootTimeMs: fc.oneof(
				timeMs,
				timeMs.map((time) => (time === 0 ? 0 : -time)),
			),
			source: fc.constantFrom("network", "stored"),
		},
		PLAIN,
	),
);

const sampleCount = fc.oneof(
	{ weight: 3, arbitrary: fc.integer({ min: 1, max: 12 }) },
	{ weight: 3, arbitrary: fc.integer({ min: 1, max: 400 }) },
	fc.constantFrom(1, 2, 8, 300, MAX_SAMPLES - 1, MAX_SAMPLES),
);

const uint32 = fc.oneof(
	fc.nat(200),
	fc.integer({ min: 0, max: 0xffff_ffff }),
	fc.constant(0xffff_ffff),
);

/** Any input that `encodeBlock` takes. */
export const arbitraryInput: fc.Arbitrary<BlockInput> = fc
	.record(
		{
			journalId: fc.string({
				unit: fc.constantFrom(..."0123456789abcdef"),
				minLength: 16,
				maxLength: 16,
			}),
			boot: uint32,
			sequence: uint32,
			live: fc.boolean(),
			startUptimeMs: timeMs,
			intervalMs: fc.oneof(
				fc.integer({ min: MIN_INTERVAL_MS, max: MAX_INTERVAL_MS }),
				fc.constantFrom(MIN_INTERVAL_MS, 1000, MAX_INTERVAL_MS),
			),
			sampleCount,
			clock,
			channels: fc.uniqueArray(channel, {
				minLength: 1,
				maxLength: MAX_CHANNELS,
				selector: (one) => one.id,
				size: "-1",
			}),
			signals: fc.array(fc.tuple(signal, presence), {
				minLength: MAX_CHANNELS,
				maxLength: MAX_CHANNELS,
			}),
			surplus: fc.nat(3),
		},
		PLAIN,
	)
	.map(({ signals, surplus, ...input }) => ({
		...input,
		columns: input.channels.map((_, index) => {
			const [valueAt, presentAt] = signals[index]!;
			return Int32Array.from(
				{ length: input.sampleCount + surplus },
				(_, at) => (presentAt(at) ? valueAt(at) : MISSING),
			);
		}),
	}));

/** A block of one gauge, or of `kind`, with these raw values; null stands for a missing one. */
export function inputOf(
	values: readonly (number | null)[],
	kind: Channel["kind"] = "gauge",
): BlockInput {
	return {
		journalId: "0123456789abcdef",
		boot: 1,
		sequence: 2,
		live: false,
		startUptimeMs: 3000,
		intervalMs: 1000,
		sampleCount: values.length,
		clock: null,
		channels: [{ id: "x", unit: "", exponent: 0, kind }],
		columns: [Int32Array.from(values, (value) => value ?? MISSING)],
	};
}

/** The bytes of a block. */
export function encode(input: BlockInput): Uint8Array {
	const { channels, sampleCount } = input;
	const out = new Uint8Array(maxEncodedSize(channels.length, sampleCount));
	return out.slice(0, encodeBlock(input, out));
}
