/** The HTTP API as the page uses it: signed in by the link that `thinghz up` prints. */
import { MISSING } from "../../../protocol/block.ts";
import { startMs } from "../../../protocol/block-time.ts";
import { decodeBlock } from "../../../protocol/decode.ts";
import { readEvents } from "../../../tools/cli/sse.ts";
import type { CloudUnderTest } from "./cloud.ts";

/** A stored reading. */
export interface Stored {
	readonly timeMs: number;
	readonly value: number;
	/** The cloud placed it: its node did not know the time for certain. */
	readonly estimated: boolean;
}

interface Page {
	readonly rows: readonly {
		readonly time: string;
		readonly value: number;
		readonly estimated?: true;
	}[];
	readonly next: string | null;
}

const PAGE_ROWS = 10_000;

export class ApiSession {
	readonly #http: string;
	readonly #cookie: string;

	private constructor(http: string, cookie: string) {
		this.#http = http;
		this.#cookie = cookie;
	}

	/** The session outlives a restart of the cloud on the same port. */
	static async signIn({ ready }: CloudUnderTest): Promise<ApiSession> {
		const token = new URL(ready.signIn).hash.replace("#signin=", "");
		const response = await fetch(new URL("/v1/session", ready.http), {
			method: "POST",
			headers: { "Content-Type": "application/json" },
			body: JSON.stringify({ token }),
		});
		const cookie = response.headers.getSetCookie()[0]?.split(";")[0];
		if (cookie === undefined) {
			throw new Error(`Signing in failed: ${await response.text()}`);
		}
		return new ApiSession(ready.http, cookie);
	}

	async get<T>(path: string): Promise<T> {
		const response = await fetch(new URL(path, this.#http), {
			headers: { Cookie: this.#cookie },
		});
		if (!response.ok) {
			throw new Error(
				`${path}: ${response.status} ${(await response.text()).slice(0, 500)}`,
			);
		}
		return (await response.json()) as T;
	}

	/** The stored readings of a channel in [from, to), page by page; none when the cloud has not heard of the channel. */
	async readings(
		thing: string,
		channel: string,
		fromMs: number,
		toMs: number,
	): Promise<readonly Stored[]> {
		const { channels } = await this.get<{ channels: { id: string }[] }>(
			`/v1/devices/${thing}`,
		);
		if (!channels.some(({ id }) => id === channel)) return [];
		const query = new URLSearchParams({
			channel,
			from: new Date(fromMs).toISOString(),
			to: new Date(toMs).toISOString(),
			limit: String(PAGE_ROWS),
		});
		const all: Stored[] = [];
		for (;;) {
			const page = await this.get<Page>(
				`/v1/devices/${thing}/readings?${query}`,
			);
			for (const { time, value, estimated = false } of page.rows) {
				all.push({ timeMs: Date.parse(time), value, estimated });
			}
			if (page.next === null) return all;
			query.set("cursor", page.next);
		}
	}

	/** The stream of live samples of a thing, from now on. */
	async follow(thing: string): Promise<LiveSamples> {
		const url = new URL(`/v1/live?device=${thing}`, this.#http);
		const ended = new AbortController();
		const { body } = await fetch(url, {
			headers: { Cookie: this.#cookie },
			signal: ended.signal,
		});
		if (body === null) throw new Error("The API sent no stream.");
		return new LiveSamples(body, ended);
	}
}

/** A sample as it was shown live. */
export interface LiveSample extends Stored {
	readonly channel: string;
}

/** Read as it comes: a stream that is left unread loses samples. */
export class LiveSamples {
	readonly #samples: LiveSample[] = [];
	readonly #ended: AbortController;
	readonly #reading: Promise<void>;
	#wake: () => void = () => undefined;

	constructor(body: ReadableStream<Uint8Array>, ended: AbortController) {
		this.#ended = ended;
		this.#reading = this.#read(body);
		// Told to whoever waits for a sample.
		this.#reading.catch(() => this.#wake());
	}

	/** All samples up to the one at `lastMs`, once that has come; the stream ends with it. */
	async samplesUntil(lastMs: number): Promise<readonly LiveSample[]> {
		while ((this.#samples.at(-1)?.timeMs ?? 0) < lastMs) {
			const more = new Promise<void>((resolve) => {
				this.#wake = resolve;
			});
			await Promise.race([more, this.#reading]);
		}
		this.#ended.abort();
		return this.#samples;
	}

	async #read(body: ReadableStream<Uint8Array>): Promise<void> {
		for await (const { event, data } of readEvents(body)) {
			if (event !== "live") continue;
			this.#samples.push(...samplesOf(JSON.parse(data).block));
			this.#wake();
		}
		throw new Error("The API ended the stream.");
	}
}

function* samplesOf(base64: string): Generator<LiveSample> {
	const block = decodeBlock(Buffer.from(base64, "base64"));
	const firstMs = startMs(block);
	if (firstMs === null) return;
	for (let i = 0; i < block.sampleCount; i++) {
		for (const [at, { id, exponent }] of block.channels.entries()) {
			const raw = block.columns[at]?.[i] ?? MISSING;
			if (raw === MISSING) continue;
			yield {
				channel: id,
				timeMs: firstMs + i * block.intervalMs,
				value: Number((raw * 10 ** exponent).toFixed(-exponent)),
				estimated: false,
			};
		}
	}
}
