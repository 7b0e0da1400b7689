import {
	type BlockInput,
	type Channel,
	MAX_CHANNELS,
	MAX_INTERVAL_MS,
	MAX_SAMPLES,
	MIN_INTERVAL_MS,
} from "./block.ts";
import {
	isChannelId,
	isJournalId,
	MAX_EXPONENT,
	MAX_TIME_MS,
	MAX_UINT32,
	MAX_UNIT_BYTES,
} from "./format.ts";
import { encodeUtf8 } from "./utf8.ts";

function requireInteger(
	what: string,
	value: number,
	min: number,
	max: number,
): void {
	if (!Number.isInteger(value) || value < min || value > max)
		throw new RangeError(
			`${what} must be an integer from ${min} to ${max}, not ${value}`,
		);
}

/** @throws RangeError that says what of the input cannot be a block, and why */
export function validateInput(input: BlockInput): void {
	if (!isJournalId(input.journalId))
		throw new RangeError(
			`journalId must be 16 lower-case hex digits, not "${input.journalId}"`,
		);
	requireInteger("boot", input.boot, 0, MAX_UINT32);
	requireInteger("sequence", input.sequence, 0, MAX_UINT32);
	requireInteger("startUptimeMs", input.startUptimeMs, 0, MAX_TIME_MS);
	requireInteger(
		"intervalMs",
		input.intervalMs,
		MIN_INTERVAL_MS,
		MAX_INTERVAL_MS,
	);
	requireInteger("sampleCount", input.sampleCount, 1, MAX_SAMPLES);
	const { clock, channels, columns } = input;
	if (clock !== null) {
		requireInteger("bootTimeMs", clock.bootTimeMs, -MAX_TIME_MS, MAX_TIME_MS);
		if (clock.source !== "network" && clock.source !== "stored")
			throw new RangeError(`There is no clock source "${clock.source}"`);
	}
	requireInteger("The number of channels", channels.length, 1, MAX_CHANNELS);
	if (columns.length !== channels.length)
		throw new RangeError(
			`There are ${channels.length} channels but ${columns.length} columns`,
		);
	for (let index = 0; index < channels.length; index++) {
		const channel = channels[index] as Channel;
		validateChannel(channel);
		for (let before = 0; before < index; before++)
			if (channels[before]?.id === channel.id)
				throw new RangeError(`Two channels have the id "${channel.id}"`);
		const length = columns[index]?.length ?? 0;
		if (length < input.sampleCount)
			throw new RangeError(
				`The column of "${channel.id}" has ${length} of ${input.sampleCount} samples`,
			);
	}
}

/** @throws RangeError that says what is wrong with the channel */
export function validateChannel(channel: Channel): void {
	const { id, unit, exponent, kind } = channel;
	if (!isChannelId(id))
		throw new RangeError(
			`A channel id is 1–32 characters of a–z, 0–9, "_" and ".", starting with a letter; "${id}" is not`,
		);
	const unitBytes = encodeUtf8(unit);
	if (unitBytes === null || unitBytes.length > MAX_UNIT_BYTES)
		throw new RangeError(
			`The unit of "${id}" must be text of at most ${MAX_UNIT_BYTES} bytes of UTF-8`,
		);
	requireInteger(
		`The exponent of "${id}"`,
		exponent,
		-MAX_EXPONENT,
		MAX_EXPONENT,
	);
	if (kind !== "gauge" && kind !== "counter")
		throw new RangeError(`"${id}" is neither a gauge nor a counter`);
}
