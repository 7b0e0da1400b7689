/** Nodes on XS in the test's own process, against a cloud that runs by itself; and what their sensors gave. */
import assert from "node:assert/strict";
import { join } from "node:path";
import {
	type MachineIdentity,
	readIdentity,
} from "../../../firmware/boards/virtual/identity.ts";
import type {
	MachineExit,
	VirtualMachine,
} from "../../../firmware/boards/virtual/machine.ts";
import type { GivenReading } from "../../../firmware/boards/virtual/peripherals/sensors.ts";
import type { NodeReport } from "../../../firmware/node/ports.ts";
import type { ApiSession, Stored } from "./api.ts";
import type { CloudUnderTest } from "./cloud.ts";
import { thinghzJson } from "./command.ts";

export const CHANNELS = ["temperature", "pressure", "wind"] as const;
export type ChannelId = (typeof CHANNELS)[number];

/** A whole hour, long enough ago for any simulated time that follows to be past. */
export const PAST_MS = Date.UTC(2026, 0, 5, 12);
/** Counts of the chip in one unit of each of its channels. */
const COUNTS = 100;

/** Makes things known to the cloud, by the command. */
export function provisionThings(
	cloud: CloudUnderTest,
	...names: readonly string[]
): Promise<readonly MachineIdentity[]> {
	return Promise.all(
		names.map(async (name) => {
			await thinghzJson("provision", name, "--target", cloud.target);
			return readIdentity(join(cloud.dir, "things", name));
		}),
	);
}

/** Keeps what a machine reports, and waits for it. */
export class Reports {
	readonly all: NodeReport[] = [];
	readonly #waiting = new Set<() => void>();

	constructor(machine: VirtualMachine) {
		machine.on("report", (report) => {
			this.all.push(report);
			for (const wake of this.#waiting) wake();
		});
	}

	of<E extends NodeReport["event"]>(
		event: E,
	): Extract<NodeReport, { event: E }>[] {
		return this.all.filter((report) => report.event === event) as Extract<
			NodeReport,
			{ event: E }
		>[];
	}

	/** Resolves once `fits` says so of all that was reported. */
	async until(fits: (reports: this) => boolean): Promise<void> {
		while (!fits(this)) {
			await new Promise<void>((resolve) => {
				const wake = () => {
					this.#waiting.delete(wake);
					resolve();
				};
				this.#waiting.add(wake);
			});
		}
	}
}

/** Cuts the power of machines for good, and leaves nothing of them behind. */
export async function discard(
	machines: readonly VirtualMachine[],
): Promise<void> {
	for (const machine of machines) {
		await machine.powerCut();
		machine.close();
		machine.clock.stop();
	}
}

/** Resolves when the machine's process is gone. */
export function exitOf(machine: VirtualMachine): Promise<MachineExit> {
	return new Promise((resolve) => machine.once("exit", resolve));
}

/**
 * Ends a machine on a stepped clock in good order: what it holds is sent, and time goes on while it is.
 */
export async function stopStepped(machine: VirtualMachine): Promise<void> {
	await Promise.all([machine.stop(20_000), machine.clock.runFor(10_000)]);
}

/** Runs a stepped clock on in strides of `strideMs` until `fits`, at most `mostMs`. */
export async function runUntil(
	machine: VirtualMachine,
	fits: () => boolean,
	strideMs: number,
	mostMs: number,
): Promise<void> {
	for (let ranMs = 0; !fits(); ranMs += strideMs) {
		if (ranMs >= mostMs) {
			throw new Error(`What was waited for did not come in ${mostMs} ms.`);
		}
		await machine.clock.runFor(strideMs);
	}
}

/** Asserts that these are the values that the sensor gave, one for one, in order. Times are left out of account. */
export function assertValues(
	stored: readonly Stored[],
	given: readonly GivenReading[],
	channel: ChannelId,
	about: string,
): void {
	assert.deepEqual(
		stored.map(({ value }) => Math.round(value * COUNTS)),
		given.map((reading) => reading[channel]),
		`${about}: ${channel}`,
	);
}

/** Asserts that what is stored is what the sensor gave: the same times, once each, with the same values. */
export function assertSame(
	stored: readonly Stored[],
	given: readonly GivenReading[],
	channel: ChannelId,
	about: string,
): void {
	assert.equal(stored.length, given.length, `${about}: ${channel}: how many`);
	for (const [i, { timeMs, value, estimated }] of stored.entries()) {
		const reading = given[i];
		assert.deepEqual(
			{ timeMs, counts: Math.round(value * COUNTS), estimated },
			{ timeMs: reading?.wallMs, counts: reading?.[channel], estimated: false },
			`${about}: ${channel}: reading ${i}`,
		);
		assert.equal(value, Math.round(value * COUNTS) / COUNTS);
	}
}

/** Asserts it of all three channels, over all that is stored of the thing from `fromMs` on. */
export async function assertAllStored(
	api: ApiSession,
	thing: string,
	given: readonly GivenReading[],
	fromMs = PAST_MS - 86_400_000,
): Promise<void> {
	for (const channel of CHANNELS) {
		const stored = await api.readings(
			thing,
			channel,
			fromMs,
			Date.now() + 86_400_000,
		);
		assertSame(stored, given, channel, thing);
	}
}
