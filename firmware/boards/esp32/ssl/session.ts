/**
 * Takes the place of the SDK's `ssl/session`, which is below it (modules/crypt/ssl/session_419.js): nothing that goes wrong in
 * a handshake is thrown into the socket's callbacks, where it would end the virtual machine, and nothing is taken for a
 * connection before all of it is proven. The SDK's own takes an alert for the end of the handshake and sends what follows in
 * the clear, and keeps application data that came unencrypted before it.
 */
/// <reference path="./sdk.d.ts" />
import SdkSession, { type SessionSocket } from "sdk/session";
import type CertificateManager from "./certificates.ts";
import type { Flight, SecureOptions } from "./secure-options.ts";

const HEADER_BYTES = 5;
const SERVER_HELLO_DONE = 14;

class Session extends SdkSession {
	readonly #onFault: (error: unknown) => void;
	/** The SDK's session forgets its own when it has the server's Finished. */
	readonly #certificates: CertificateManager;
	readonly #flight: Flight;
	/** Of the record that is being read: its header, or all of it. */
	#record = new Uint8Array(HEADER_BYTES);
	#filled = 0;
	#state: "handshake" | "proven" | "ended" = "handshake";

	constructor(options: SecureOptions) {
		const { serverName, ...others } = options;
		super({
			...others,
			...(serverName === undefined ? {} : { serverName }),
			// A resumed session has no certificate, so none is kept.
			cache: false,
		});
		this.#onFault = options.onFault;
		this.#certificates = this.certificateManager;
		this.#flight = options.flight;
	}

	/** @returns whether the connection is secure and proven */
	override handshake(socket: SessionSocket): boolean {
		if (this.#state !== "handshake") return this.#state === "proven";
		try {
			// What follows has our certificate in it, and our signature.
			if (this.handshakeProcess === SERVER_HELLO_DONE) this.#requireProof();
			const isOver = super.handshake(socket);
			this.#refuseAlert();
			if (!isOver) return false;
			this.#prove();
			this.#state = "proven";
			return true;
		} catch (error) {
			this.#end(error);
			return false;
		}
	}

	/** @returns null at the connection's end */
	override read(socket: SessionSocket): Uint8Array | null | undefined {
		if (this.#state === "ended") return null;
		try {
			const data = super.read(socket);
			if (this.#state === "handshake") this.#refuseAlert();
			return data;
		} catch (error) {
			this.#end(error);
			return null;
		}
	}

	/** Makes room for no more than may come; the SDK's own does for what is claimed. */
	override readPacket(socket: SessionSocket): ArrayBuffer | undefined {
		if (this.#fill(socket) && this.#filled === HEADER_BYTES) {
			const length = this.#flight.checkHeader(this.#record);
			const record = new Uint8Array(HEADER_BYTES + length);
			record.set(this.#record);
			this.#record = record;
		}
		if (!this.#fill(socket)) return undefined;
		const record = this.#record;
		this.#record = new Uint8Array(HEADER_BYTES);
		this.#filled = 0;
		this.#flight.checkBody(record, this.clientCipher !== null);
		return record.buffer as ArrayBuffer;
	}

	/** @returns whether it is full */
	#fill(socket: SessionSocket): boolean {
		const count = Math.min(this.#record.length - this.#filled, socket.readable);
		if (count > 0) {
			const end = this.#filled + count;
			socket.read(this.#record.subarray(this.#filled, end));
			socket.readable -= count;
			this.#filled = end;
		}
		return this.#filled === this.#record.length;
	}

	/** @throws Error before the handshake is over */
	override write(
		socket: SessionSocket,
		data: ArrayBuffer | Uint8Array,
		options?: object,
	): number {
		if (this.#state !== "proven") throw new Error("not secure");
		return super.write(socket, data, options);
	}

	override putData(data: Uint8Array): void {
		if (this.#state !== "proven")
			throw new Error("application data before the handshake's end");
		super.putData(data);
	}

	#refuseAlert(): void {
		if (this.alert !== undefined)
			throw new Error(`alert ${this.alert.description} from the server`);
	}

	#requireProof(): void {
		if (!this.#certificates.hasProof)
			throw new Error("the server has not signed its key exchange");
	}

	#prove(): void {
		this.#requireProof();
		if (!this.clientCipher || !this.serverCipher)
			throw new Error("the server has not switched encryption on");
	}

	#end(error: unknown): void {
		if (this.#state === "ended") return;
		this.#state = "ended";
		this.#onFault(error);
	}
}

// biome-ignore lint/style/noDefaultExport: the SDK's TLSSocket imports it so.
export default Session;
