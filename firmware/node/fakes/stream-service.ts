/**
 * AWS IoT's MQTT-based file delivery for one thing, as its documents say
 * (https://docs.aws.amazon.com/iot/latest/developerguide/mqtt-based-file-delivery-in-devices.html), over a fake network.
 */
import type { FakeMessage, FakeNetwork } from "./network.ts";

export interface StreamRequest {
	readonly c?: string;
	readonly f: number;
	readonly l: number;
	readonly o: number;
	readonly n: number;
}

export class FakeStreams {
	/** By number. */
	readonly files: Uint8Array[];
	network: FakeNetwork;
	readonly requests: StreamRequest[] = [];
	/** For the nth request (from 0): what is done in its place. */
	instead: (request: StreamRequest, n: number) => boolean = () => false;
	readonly #topic: string;

	constructor(network: FakeNetwork, files: Uint8Array[], stream = "s") {
		this.network = network;
		this.files = files;
		this.#topic = `$aws/things/node-1/streams/${stream}/`;
	}

	/** @returns whether the message was for this service */
	readonly take = ({ topic, payload }: FakeMessage): boolean => {
		if (!topic.startsWith(this.#topic)) return false;
		const what = topic.slice(this.#topic.length);
		if (what !== "get/json")
			throw new Error(`Nothing may be published to ${topic}.`);
		const request = JSON.parse(Buffer.from(payload).toString());
		this.requests.push(request);
		if (!this.instead(request, this.requests.length - 1)) this.answer(request);
		return true;
	};

	answer({ c, f, l, o, n }: StreamRequest): void {
		const file = this.files[f];
		for (let i = o; i < o + n; i++) {
			const block = file?.subarray(i * l, i * l + l);
			if (block === undefined || block.length === 0)
				this.reject("ResourceNotFound", c);
			else this.send(block, { f, i, ...(c === undefined ? {} : { c }) });
		}
	}

	send(block: Uint8Array, members: object): void {
		this.network.send(
			`${this.#topic}data/json`,
			JSON.stringify({
				...members,
				l: block.length,
				p: Buffer.from(block).toString("base64"),
			}),
		);
	}

	sendText(what: string, text: string): void {
		this.network.send(`${this.#topic}${what}`, text);
	}

	reject(o: string, c?: string): void {
		this.sendText("rejected/json", JSON.stringify({ o, m: "no", c }));
	}
}
