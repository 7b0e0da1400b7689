/**
 * A TCP connection, with TLS where there is an identity, over a link that can fail. Bytes go out when the link lets them,
 * arrive when it lets them, and are lost where a broken link would lose them.
 */
import { lookup } from "node:dns";
import { connect as connectTcp, isIP, type Socket } from "node:net";
import { connect as connectTls, type SecureContext } from "node:tls";
import type { OfflineReason } from "../../../node/ports.ts";
import type { ClockTimer, VirtualClock } from "./clock.ts";

export type WifiFault = Extract<
	OfflineReason,
	"wifi_password" | "wifi_not_found" | "wifi"
>;

/** What is wrong with the network; any of it can be set at any time. */
export class NetworkFaults {
	#wifi: WifiFault | null = null;
	readonly #watchers = new Set<() => void>();
	/** No link: connecting fails, and what is connected goes silent until the link is back. */
	down = false;
	/** Names cannot be looked up. */
	noNames = false;
	/** The server accepts a connection and then says nothing, for ever. */
	silentServer = false;
	/** Open connections lose every byte from now on, and are never told, even when it is set no more. */
	halfOpen = false;
	/** Each direction takes this much longer. */
	delayMs = 0;
	/** Acknowledgements of publishes, as they come in. */
	pubacks: "deliver" | "lose" | "reorder" = "deliver";
	/** The time server answers nothing. */
	noTime = false;

	/** No Wi-Fi: what is connected ends, and connecting fails for this reason. */
	get wifi(): WifiFault | null {
		return this.#wifi;
	}

	set wifi(fault: WifiFault | null) {
		this.#wifi = fault;
		if (fault !== null) for (const tell of [...this.#watchers]) tell();
	}

	/** Calls back whenever Wi-Fi is lost. @returns what ends that */
	watchWifi(onLost: () => void): () => void {
		this.#watchers.add(onLost);
		return () => this.#watchers.delete(onLost);
	}

	/** Whether exchanges take their usual course: then simulated time can wait for them. */
	get none(): boolean {
		return (
			!this.down &&
			this.#wifi === null &&
			!this.noNames &&
			!this.silentServer &&
			!this.halfOpen &&
			this.delayMs === 0 &&
			this.pubacks === "deliver"
		);
	}
}

export interface LinkOptions {
	readonly host: string;
	readonly port: number;
	/** Absent for plain TCP. */
	readonly secure: SecureContext | undefined;
	readonly clock: VirtualClock;
	readonly faults: NetworkFaults;
	onOpen(): void;
	onBytes(bytes: Buffer): void;
	/** Bytes given to `write` have left: so many fit again. */
	onDrained(count: number): void;
	/** Before `onOpen`: why there is no connection. After it: "closed", or that of Wi-Fi. Called once at most, and nothing after it. */
	onFailure(reason: OfflineReason): void;
}

/** Moddable's client gives up when the first onWritable has not come by then (mqttclient.js, `connecting`). */
const CONNECT_TIMEOUT_MS = 30_000;
/** How long a station looks for its access point, and tries its password. */
const ASSOCIATION_MS = 5000;
/**
 * How long it takes to learn that nobody is there. By the clock, and more than no time: what else is due at once, and how
 * fast the computer is, must not show in what comes first.
 */
const REFUSAL_MS = 2;
/** How often a connection looks whether its link is back. */
const LINK_POLL_MS = 100;

export class Link {
	readonly #options: LinkOptions;
	#socket: Socket | undefined;
	#stage: "connecting" | "securing" | "open" | "closed" = "connecting";
	#giveUp: ClockTimer | undefined;
	#association: ClockTimer | undefined;
	#refusal: ClockTimer | undefined;
	readonly #unwatchWifi: () => void;
	/** Once a half-open connection, always one. */
	#lost = false;
	/** Bytes that wait for the link to be back, or for their delay; in order. */
	readonly #waiting: { readonly atMs: number; readonly go: () => void }[] = [];
	#poll: ClockTimer | undefined;

	constructor(options: LinkOptions) {
		this.#options = options;
		const { clock, faults } = options;
		this.#giveUp = clock.set(
			() => this.#fail(this.#stage === "securing" ? "timeout" : "tcp"),
			CONNECT_TIMEOUT_MS,
		);
		this.#unwatchWifi = faults.watchWifi(() => {
			if (this.#association === undefined) this.#associate();
		});
		if (faults.wifi !== null) this.#associate();
		// Nothing may be called back before the constructor's caller has its object.
		const release = clock.hold();
		setImmediate(() => {
			this.#lookUp();
			release();
		});
	}

	/** `onDrained` is told unless `silently`. */
	write(bytes: Uint8Array, silently = false): void {
		this.#pass(() => {
			this.#socket?.write(bytes, (error) => {
				if (!error && !silently && this.#stage === "open" && !this.#lost) {
					this.#options.onDrained(bytes.length);
				}
			});
		});
	}

	/** Lets the other side wait: what it sends stays with it, but for what is on its way. */
	pause(): void {
		if (this.#stage === "open") this.#socket?.pause();
	}

	resume(): void {
		if (this.#stage === "open") this.#socket?.resume();
	}

	/** Ends the connection after what has been written, or at once. No callback follows. */
	close(graceful: boolean): void {
		const socket = this.#socket;
		const wasOpen = this.#stage === "open";
		this.#leave();
		if (graceful && wasOpen && !this.#blocked && this.#waiting.length === 0) {
			socket?.end();
		} else {
			socket?.destroy();
		}
	}

	get #blocked(): boolean {
		if (this.#options.faults.halfOpen && this.#stage === "open") {
			this.#lost = true;
		}
		return this.#lost || this.#options.faults.down;
	}

	#lookUp(): void {
		const { host, faults, clock } = this.#options;
		if (this.#stage === "closed" || this.#association !== undefined) return;
		if (faults.down) {
			this.#refusal = clock.set(() => this.#fail("tcp"), REFUSAL_MS);
		} else if (isIP(host) !== 0) this.#connect(host);
		else if (faults.noNames) this.#fail("name_lookup");
		else {
			lookup(host, { family: 4 }, (error, address) => {
				if (this.#stage === "closed") return;
				if (error) this.#fail("name_lookup");
				else this.#connect(address);
			});
		}
	}

	/** Wi-Fi is not there: a connection is lost at once; one that is wanted fails when the access point has been tried for. */
	#associate(): void {
		const { clock, faults } = this.#options;
		if (this.#stage === "open") {
			this.#fail(faults.wifi ?? "wifi");
			return;
		}
		this.#association = clock.set(
			() => this.#fail(faults.wifi ?? "wifi"),
			ASSOCIATION_MS,
		);
	}

	#connect(address: string): void {
		const { port, secure, faults, host } = this.#options;
		const socket = connectTcp({ host: address, port, noDelay: true });
		this.#socket = socket;
		socket.on("error", () => this.#fail("tcp"));
		socket.on("connect", () => {
			this.#stage = "securing";
			if (faults.silentServer) return;
			if (secure === undefined) {
				this.#open(socket);
				return;
			}
			socket.removeAllListeners("error");
			const tls = connectTls({
				socket,
				secureContext: secure,
				// Moddable's TLS is 1.2 only.
				maxVersion: "TLSv1.2",
				...(isIP(host) === 0 ? { servername: host } : { host }),
			});
			this.#socket = tls;
			tls.on("secureConnect", () => this.#open(tls));
			tls.on("error", () => this.#fail(this.#endReason()));
			tls.on("close", () => this.#fail(this.#endReason()));
		});
	}

	#endReason(): OfflineReason {
		return this.#stage === "open" ? "closed" : "tls";
	}

	#open(socket: Socket): void {
		if (this.#stage !== "securing") return;
		this.#stage = "open";
		this.#options.clock.clear(this.#giveUp);
		socket.removeAllListeners("error");
		const ended = () => this.#pass(() => this.#fail("closed"));
		socket.on("error", ended);
		socket.on("close", ended);
		socket.on("end", ended);
		socket.on("data", (bytes: Buffer) =>
			this.#pass(() => this.#options.onBytes(bytes)),
		);
		this.#options.onOpen();
	}

	/** Does it now, when the link is back, after the delay, or never. */
	#pass(go: () => void): void {
		const { clock, faults } = this.#options;
		if (this.#stage !== "open") return;
		if (!this.#blocked && faults.delayMs === 0 && this.#waiting.length === 0) {
			go();
			return;
		}
		if (this.#lost) return;
		this.#waiting.push({ atMs: clock.nowMs() + faults.delayMs, go });
		this.#poll ??= clock.set(() => this.#passWaiting(), faults.delayMs);
	}

	#passWaiting(): void {
		const { clock } = this.#options;
		this.#poll = undefined;
		while (this.#stage === "open" && !this.#blocked) {
			const first = this.#waiting[0];
			if (first === undefined) return;
			if (first.atMs > clock.nowMs()) {
				this.#poll = clock.setAt(first.atMs, () => this.#passWaiting());
				return;
			}
			this.#waiting.shift();
			first.go();
		}
		if (this.#stage === "open" && !this.#lost) {
			this.#poll = clock.set(() => this.#passWaiting(), LINK_POLL_MS);
		}
	}

	#leave(): void {
		const { clock } = this.#options;
		this.#stage = "closed";
		clock.clear(this.#giveUp);
		clock.clear(this.#refusal);
		clock.clear(this.#poll);
		clock.clear(this.#association);
		this.#unwatchWifi();
		this.#waiting.length = 0;
		// The socket may still report an end that nobody waits for.
		this.#socket?.removeAllListeners();
		this.#socket?.on("error", () => undefined);
	}

	#fail(reason: OfflineReason): void {
		if (this.#stage === "closed") return;
		const socket = this.#socket;
		this.#leave();
		socket?.destroy();
		this.#options.onFailure(reason);
	}
}
