/**
 * AWS IoT's shadow service for one named shadow, as its documents say
 * (https://docs.aws.amazon.com/iot/latest/developerguide/device-shadow-mqtt.html), over a fake network that may lose, repeat and
 * delay what it sends.
 */
import type { FakeMessage, FakeNetwork } from "./network.ts";
import type { VirtualTimers } from "./virtual-timers.ts";

type Section = { [name: string]: unknown };

export class FakeShadow {
	exists = false;
	version = 0;
	desired: Section | undefined;
	reported: Section | undefined;
	/** Requests are rejected with this code in place of being done. */
	rejectWith: number | null = null;
	/** For each message to the node: after how many ms each copy of it is sent; none is a loss. */
	fate: () => readonly number[] = () => [0];
	gets = 0;
	updates = 0;
	readonly #network: FakeNetwork;
	readonly #timers: VirtualTimers;
	readonly #topic: string;

	constructor(network: FakeNetwork, timers: VirtualTimers, thing = "node-1") {
		this.#network = network;
		this.#timers = timers;
		this.#topic = `$aws/things/${thing}/shadow/name/config`;
	}

	/** A person's update of `desired`: members that are null are taken out. */
	want(changes: Section): void {
		this.#update({ desired: changes }, undefined);
	}

	/** As by somebody who has deleted it: the next one begins anew. */
	delete(): void {
		this.exists = false;
		this.version = 0;
		this.desired = undefined;
		this.reported = undefined;
	}

	/** @returns whether the message was for this service */
	readonly take = (message: FakeMessage): boolean => {
		if (!message.topic.startsWith(this.#topic)) return false;
		const request = JSON.parse(Buffer.from(message.payload).toString());
		const { clientToken } = request;
		const what = message.topic.slice(this.#topic.length + 1);
		if (this.rejectWith !== null) this.#reject(what, this.rejectWith, request);
		else if (what === "get") {
			this.gets++;
			if (!this.exists) this.#reject(what, 404, request);
			else
				this.#send("get/accepted", {
					state: {
						...(this.desired === undefined ? {} : { desired: this.desired }),
						...(this.reported === undefined ? {} : { reported: this.reported }),
					},
					version: this.version,
					timestamp: 1,
					clientToken,
				});
		} else if (what === "update") {
			this.updates++;
			if (request.version !== undefined && request.version !== this.version)
				this.#reject(what, 409, request);
			else this.#update(request.state, clientToken);
		} else throw new Error(`Nothing may be published to ${message.topic}.`);
		return true;
	};

	#update(
		state: { desired?: Section; reported?: Section },
		clientToken?: string,
	) {
		this.exists = true;
		this.version++;
		if (state.desired !== undefined)
			this.desired = merged(this.desired, state.desired);
		if (state.reported !== undefined)
			this.reported = merged(this.reported, state.reported);
		this.#send("update/accepted", {
			state,
			version: this.version,
			timestamp: 1,
			clientToken,
		});
		const delta: Section = {};
		for (const [name, value] of Object.entries(this.desired ?? {}))
			if (JSON.stringify(value) !== JSON.stringify(this.reported?.[name]))
				delta[name] = value;
		if (Object.keys(delta).length > 0)
			this.#send("update/delta", {
				state: delta,
				version: this.version,
				timestamp: 1,
				clientToken,
			});
	}

	#reject(what: string, code: number, request: { clientToken?: string }): void {
		this.#send(`${what}/rejected`, {
			code,
			message: "no",
			timestamp: 1,
			clientToken: request.clientToken,
		});
	}

	#send(what: string, document: object): void {
		const payload = JSON.stringify(document);
		for (const afterMs of this.fate())
			this.#timers.set(
				() => this.#network.send(`${this.#topic}/${what}`, payload),
				afterMs,
			);
	}
}

function merged(section: Section | undefined, changes: Section): Section {
	const all = { ...section, ...changes };
	for (const [name, value] of Object.entries(all))
		if (value === null) delete all[name];
	return all;
}
