/** A node over its restarts and power cuts, with a cloud that lets in by certificates, gives out new ones and has jobs for it. */
import { startNode } from "../node.ts";
import type { KeyPair, Settings } from "../ports.ts";
import {
	FAKE_EPOCH_MS,
	type FakeBoard,
	makeBoard,
	makeDurable,
} from "./board.ts";
import { FakeCloud } from "./cloud.ts";
import { FakeJobs } from "./job-service.ts";
import { FakeProvisioning } from "./provisioning-service.ts";

export const PROVISIONED = "cert-1";
const THING = "node-1";

class Restarted extends Error {
	override readonly name = "Restarted";
}

/** Power went. */
class Cut extends Error {
	override readonly name = "Cut";
}

export class IdentityBench {
	readonly durable = makeDurable();
	readonly cloud = new FakeCloud();
	readonly jobs: FakeJobs;
	readonly provisioning: FakeProvisioning;
	board: FakeBoard;
	boots = 0;
	/** Whether the board can have another key. */
	hasKeys = true;
	/** Id of the certificate that the board is provisioned with, from the next boot on. */
	provisioned = PROVISIONED;
	/** Whether that is a claim certificate. */
	isClaim: boolean;
	/** What makes a pair one that the board cannot use. */
	refusesPair: (pair: KeyPair) => string | null = () => null;
	/** Changes of settings until power is cut; the change itself is made where that is a half. */
	cutAt: number;
	changes = 0;
	#isDead = false;

	/** @param cutAt see there */
	constructor(isClaim = false, cutAt = Number.POSITIVE_INFINITY) {
		this.isClaim = isClaim;
		this.cutAt = cutAt;
		this.board = makeBoard(this.durable);
		this.jobs = new FakeJobs(this.board.network);
		this.provisioning = new FakeProvisioning(this.board.network, PROVISIONED);
		this.provisioning.allowed.add(THING);
		this.boot();
	}

	get settings() {
		return this.durable.settings;
	}

	/** What the node connects with is in force, and it is connected. */
	get isConnected(): boolean {
		const { connectedWith, certificates } = this.provisioning;
		return (
			this.board.system.reports.findLast(
				({ event }) => event === "online" || event === "offline",
			)?.event === "online" &&
			certificates.get(connectedWith)?.status === "ACTIVE"
		);
	}

	boot(): void {
		this.boots++;
		this.#isDead = false;
		this.board.network.forget();
		this.board.timers.clearAll();
		this.board = makeBoard(
			{ ...this.durable, settings: this.#cuttable() },
			this.boots,
			FAKE_EPOCH_MS + this.boots * 86_400_000,
		);
		const { network, system } = this.board;
		const { provisioning, jobs } = this;
		const { provisioned } = this;
		const claim = this.isClaim ? provisioned : null;
		jobs.network = network;
		provisioning.network = network;
		provisioning.used = provisioned;
		network.grants = (filter) => (filter.includes("/shadow/") ? 0x80 : 1);
		network.refuses = (clientId) => provisioning.refuse(clientId, claim);
		network.onMessage = (message) => {
			if (message.topic.includes("/shadow/")) return;
			if (provisioning.take(message, THING, claim)) return;
			if (provisioning.connectedWith === claim)
				throw new Error(`A claim may not publish to ${message.topic}.`);
			if (!jobs.take(message)) this.cloud.take(message);
		};
		system.resetReason = this.boots === 1 ? "power_on" : "restart";
		system.restart = () => {
			throw new Restarted();
		};
		const keys = {
			use: (pair: KeyPair | null) => {
				const why = pair === null ? null : this.refusesPair(pair);
				if (why !== null) throw new Error(why);
				provisioning.used = pair?.certificateId ?? provisioned;
			},
		};
		const { identity } = this.board;
		try {
			startNode({
				...this.board,
				...(this.hasKeys ? { keys } : {}),
				identity: {
					...identity,
					certificateId: provisioned,
					isClaim: this.isClaim,
				},
			});
		} catch (error) {
			if (!(error instanceof Cut)) throw error;
			this.boot();
		}
	}

	run(ms: number): void {
		for (let at = 0; at < ms; at += 100) {
			try {
				this.board.timers.advance(100);
			} catch (error) {
				if (error instanceof Restarted) this.boot();
				else if (!this.#isDead) throw error;
			}
			if (this.#isDead) this.boot();
		}
	}

	/** Each change is one that power may fail before, or after. */
	#cuttable(): Settings {
		const { settings } = this.durable;
		const change = (make: () => void): void => {
			if (this.#isDead) throw new Cut();
			const n = ++this.changes;
			if (n < Math.ceil(this.cutAt)) {
				make();
				return;
			}
			if (!Number.isInteger(this.cutAt)) make();
			this.cutAt = Number.POSITIVE_INFINITY;
			this.#isDead = true;
			this.board.network.forget();
			this.board.timers.clearAll();
			throw new Cut();
		};
		return {
			get: (key) => settings.get(key),
			set: (key, value) => change(() => settings.set(key, value)),
			delete: (key) => change(() => settings.delete(key)),
		};
	}
}
