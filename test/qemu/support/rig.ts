/** A node on the qemu board, its broker, and a cloud that keeps what comes in. */
import assert from "node:assert/strict";
import {
	type MachineExit,
	type MachineOptions,
	VirtualMachine,
} from "../../../firmware/boards/virtual/machine.ts";
import { VirtualClock } from "../../../firmware/boards/virtual/peripherals/clock.ts";
import { TestBroker } from "../../../firmware/boards/virtual/testing/broker.ts";
import { FakeCloud } from "../../../firmware/node/fakes/cloud.ts";
import type { NodeReport } from "../../../firmware/node/ports.ts";

const START = Date.UTC(2026, 2, 1);

export class Rig {
	readonly broker: TestBroker;
	readonly clock = new VirtualClock({ kind: "stepped", startWallMs: START });
	readonly reports: NodeReport[] = [];
	readonly exits: MachineExit[] = [];
	/** When these were, by the clock. */
	readonly exitsMs: number[] = [];
	/** The host's last words, and what the node logs as errors. */
	readonly errors: string[] = [];
	readonly machine: VirtualMachine;
	/** By boot: the clock's time at its uptime 0. */
	readonly #boots = new Map<number, number>();

	private constructor(
		broker: TestBroker,
		port: number,
		options: Partial<MachineOptions>,
	) {
		this.broker = broker;
		this.machine = new VirtualMachine({
			identity: { thing: "probe", host: "127.0.0.1", port },
			board: "qemu",
			clock: this.clock,
			seed: 1,
			weather: { record: true },
			...options,
		});
		this.machine.on("report", (report) => {
			this.reports.push(report);
			if (report.event === "boot") {
				this.#boots.set(
					report.boot,
					this.clock.nowMs() - this.machine.uptimeMs(),
				);
			}
		});
		this.machine.on("exit", (exit) => {
			this.exits.push(exit);
			this.exitsMs.push(this.clock.nowMs());
		});
		this.machine.on("log", (level, text) => {
			if (level === "error") this.errors.push(text);
		});
	}

	static async make(options: Partial<MachineOptions>): Promise<Rig> {
		const broker = new TestBroker();
		return new Rig(broker, await broker.listen(), options);
	}

	of<E extends NodeReport["event"]>(
		event: E,
	): Extract<NodeReport, { event: E }>[] {
		return this.reports.filter((report) => report.event === event) as Extract<
			NodeReport,
			{ event: E }
		>[];
	}

	/** What the broker has acknowledged. */
	stored(): FakeCloud {
		const cloud = new FakeCloud();
		for (const { topic, payload, messageId } of this.broker.publishes()) {
			cloud.take({
				topic,
				payload: payload as Buffer,
				QoS: 1,
				id: messageId ?? 0,
				duplicate: false,
				atMs: 0,
			});
		}
		return cloud;
	}

	/**
	 * Asserts that all readings that the sensor gave are stored, once each, with their values, but for those given in the
	 * `mayLoseMs` before the node ended.
	 */
	assertAllStored(mayLoseMs = 0): void {
		const samples = new Map<number, readonly number[]>();
		for (const [key, raw] of this.stored().samples("temperature")) {
			const [boot = 0, uptimeMs = 0] = key.split("@").map(Number);
			samples.set((this.#boots.get(boot) ?? Number.NaN) + uptimeMs, raw);
		}
		for (const given of this.machine.weather.given) {
			const raw = samples.get(given.clockMs);
			samples.delete(given.clockMs);
			const mayBeLost = this.exitsMs.some(
				(exitMs) =>
					given.clockMs <= exitMs && given.clockMs > exitMs - mayLoseMs,
			);
			if (raw === undefined && mayBeLost) continue;
			assert.deepEqual(
				raw,
				[given.temperature, given.pressure, given.wind],
				`the reading at ${given.clockMs}`,
			);
		}
		assert.deepEqual([...samples.keys()], [], "nothing else is stored");
	}

	/** Ends the node in good order: what it holds is sent. */
	async stop(): Promise<void> {
		await Promise.all([this.machine.stop(20_000), this.clock.runFor(10_000)]);
	}

	async close(): Promise<void> {
		await this.machine.powerCut();
		this.machine.close();
		this.clock.stop();
		await this.broker.close();
	}
}
