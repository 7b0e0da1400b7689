/**
 * What a server may send over a TLS 1.2 connection, in which order and how long (RFC 5246, sections 6.2 and 7.3), held before
 * the SDK's TLS sees it: that takes handshake messages in any order and number, and makes room for whatever length a
 * record claims, which on a chip ends the machine.
 */
import { isOnP256 } from "../../tls/p256.ts";

const Content = Object.freeze({
	CIPHER: 20,
	ALERT: 21,
	HANDSHAKE: 22,
	DATA: 23,
});

/** The step is the message that comes next. */
const Step = Object.freeze({
	HELLO: 2,
	CERTIFICATE: 11,
	KEY_EXCHANGE: 12,
	REQUEST_OR_DONE: 13,
	DONE: 14,
	CHANGE_CIPHER: 15,
	FINISHED: 20,
	DATA: 21,
});

export const HEADER_BYTES = 5;
const VERSION = 0x0303;
/** A chain of AWS IoT takes 5 KB. */
export const HANDSHAKE_RECORD_BYTES_MAX = 10_240;
/** RFC 5288, section 3: nonce and tag. */
const SEAL_BYTES = 8 + 16;
const DATA_BYTES_MAX = 16_384;
const FINISHED_BYTES = 4 + 12;

/** TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256 and TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 (RFC 5289, section 3.2) */
const ECDSA_SUITE = 0xc02b;
const RSA_SUITE = 0xc02f;
/** RFC 5246, section 7.4.1.4.1 */
const Signature = Object.freeze({ RSA: 1, ECDSA: 3 });
const SHA256 = 4;
/** named_curve, secp256r1, 65 bytes, uncompressed (RFC 8422, section 5.4) */
const P256 = Object.freeze([3, 0, 23, 65, 4]);
const POINT_AT = 4;
const POINT_END = 69;

/** One connection's. All methods throw an Error when the connection must not go on. */
export class ServerFlight {
	#step: number = Step.HELLO;
	#signature: number | undefined;

	/**
	 * @param header type, version and length of a record
	 * @returns length of the record's body, for which there may be made room
	 */
	checkHeader(header: Uint8Array): number {
		const [type] = header;
		const length = u16(header, 3);
		const sealed = this.#step >= Step.FINISHED ? SEAL_BYTES : 0;
		if (type === Content.ALERT) {
			// Servers that know no TLS 1.2 say so in a record of their own version.
			if (length !== 2 + sealed) throw new Error("an alert of a wrong length");
			return length;
		}
		if (u16(header, 1) !== VERSION)
			throw new Error("a record that is not of TLS 1.2");
		if (type !== this.#content())
			throw new Error(
				type === Content.DATA
					? "application data before the handshake's end"
					: "a record out of sequence",
			);
		if (!this.#fits(length - sealed))
			throw new Error(`a record of a wrong length (${length})`);
		return length;
	}

	/**
	 * @param record with its header, which `checkHeader` has passed
	 * @param hasFinished our own Finished has been sent
	 */
	checkBody(record: Uint8Array, hasFinished: boolean): void {
		if (record[0] === Content.ALERT) return;
		if (this.#step === Step.CHANGE_CIPHER) {
			// CVE-2014-0224: before there is a secret, keys would be made of none.
			if (record[HEADER_BYTES] !== 1 || !hasFinished)
				throw new Error("a record out of sequence");
			this.#step = Step.FINISHED;
		} else if (this.#step === Step.FINISHED) this.#step = Step.DATA;
		else if (this.#step < Step.FINISHED) this.#checkMessages(record);
	}

	#content(): number {
		if (this.#step === Step.DATA) return Content.DATA;
		return this.#step === Step.CHANGE_CIPHER
			? Content.CIPHER
			: Content.HANDSHAKE;
	}

	#fits(length: number): boolean {
		switch (this.#step) {
			case Step.CHANGE_CIPHER:
				return length === 1;
			case Step.FINISHED:
				return length === FINISHED_BYTES;
			case Step.DATA:
				return length >= 0 && length <= DATA_BYTES_MAX;
			default:
				return length >= 4 && length <= HANDSHAKE_RECORD_BYTES_MAX;
		}
	}

	/** Several may share a record; the SDK puts none together from several records. */
	#checkMessages(record: Uint8Array): void {
		for (let at = HEADER_BYTES; at < record.length; ) {
			const body = at + 4;
			if (body > record.length) throw new Error("a message that is cut off");
			const end = body + (record[at + 1] ?? 0) * 65536 + u16(record, at + 2);
			if (end > record.length)
				throw new Error("a message in more than one record");
			this.#checkMessage(record[at], record.subarray(body, end));
			at = end;
		}
	}

	#checkMessage(type: number | undefined, body: Uint8Array): void {
		const isDone = type === Step.DONE && this.#step === Step.REQUEST_OR_DONE;
		if (type !== this.#step && !isDone)
			throw new Error(`a handshake message out of sequence (${type})`);
		switch (type) {
			case Step.HELLO:
				this.#signature = signatureOf(body);
				this.#step = Step.CERTIFICATE;
				return;
			case Step.CERTIFICATE:
				this.#step = Step.KEY_EXCHANGE;
				return;
			case Step.KEY_EXCHANGE:
				checkKeyExchange(body, this.#signature);
				this.#step = Step.REQUEST_OR_DONE;
				return;
			case Step.REQUEST_OR_DONE:
				this.#step = Step.DONE;
				return;
			default:
				if (body.length > 0) throw new Error("a ServerHelloDone with a body");
				this.#step = Step.CHANGE_CIPHER;
		}
	}
}

/** @returns the signature algorithm that its suite asks for */
function signatureOf(hello: Uint8Array): number {
	if (u16(hello, 0) !== VERSION)
		throw new Error("a server that does not speak TLS 1.2");
	const idBytes = hello[34] ?? 0;
	const suiteAt = 35 + idBytes;
	if (idBytes > 32 || suiteAt + 3 > hello.length)
		throw new Error("a ServerHello that is cut off");
	const suite = u16(hello, suiteAt);
	if (suite !== ECDSA_SUITE && suite !== RSA_SUITE)
		throw new Error("a cipher suite that was not offered");
	if (hello[suiteAt + 2] !== 0) throw new Error("compression");
	return suite === ECDSA_SUITE ? Signature.ECDSA : Signature.RSA;
}

/** Whether it is signed by the server's key is for the SDK to see, and for ssl/certificates.ts whether it has. */
function checkKeyExchange(body: Uint8Array, signature: number | undefined) {
	if (
		body.length < POINT_END + 4 ||
		P256.some((byte, index) => body[index] !== byte) ||
		!isOnP256(body.subarray(POINT_AT, POINT_END))
	)
		throw new Error("a key exchange without a point of P-256");
	if (body[POINT_END] !== SHA256 || body[POINT_END + 1] !== signature)
		throw new Error("a key exchange not signed as it must be");
	if (u16(body, POINT_END + 2) !== body.length - POINT_END - 4)
		throw new Error("a key exchange of a wrong length");
}

function u16(bytes: Uint8Array, at: number): number {
	return (bytes[at] ?? 0) * 256 + (bytes[at + 1] ?? 0);
}
