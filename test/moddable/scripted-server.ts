/**
 * A TLS 1.2 server (RFC 5246, RFC 8422, RFC 5288) that presents whatever bytes it is given, and can be told to lie: what
 * OpenSSL will not do. ECDHE on P-256, AES-128-GCM-SHA256, no client certificate asked for. Behind it is as much of a
 * broker as acknowledges all that comes.
 */
import {
	createCipheriv,
	createDecipheriv,
	createECDH,
	createHash,
	createHmac,
	type KeyObject,
	randomBytes,
	sign,
} from "node:crypto";
import { once } from "node:events";
import {
	type AddressInfo,
	createServer,
	type Server,
	type Socket,
} from "node:net";
import { generate, parser } from "mqtt-packet";

export interface Presented {
	/** DER, or what is sent as such. */
	readonly certificates: readonly Uint8Array[];
	readonly key: KeyObject;
}

/** Where it does other than a server should. */
export interface Lies {
	/** Hash and signature algorithm, length and signature of the ServerKeyExchange (RFC 5246, section 7.4.1.4.1). */
	readonly signature?: (signed: Buffer) => Buffer;
	/** Whole records before the server's Certificate, and after its ServerHelloDone. */
	readonly beforeCertificate?: readonly Buffer[];
	readonly afterDone?: readonly Buffer[];
	/** A second, unsigned key exchange after the first. */
	readonly secondKeyExchange?: boolean;
	readonly suite?: number;
	/** What is sent in place of its first records, and of ChangeCipherSpec and Finished. */
	readonly first?: (records: readonly Buffer[]) => readonly Uint8Array[];
	readonly last?: (records: readonly Buffer[]) => readonly Uint8Array[];
	/** The body of its ServerHello, and its point, which is signed as it is here. */
	readonly hello?: (body: Buffer) => Buffer;
	readonly point?: (point: Buffer) => Buffer;
	readonly asksForCertificate?: boolean;
	/** What it sends after CONNACK, in the same record, to be sure that it is found by a timer of the client's. */
	readonly afterLogin?: Uint8Array;
	/** What it writes after that as it is, not sealed. */
	readonly rawAfterLogin?: Uint8Array;
}

const Content = { CIPHER: 20, ALERT: 21, HANDSHAKE: 22, DATA: 23 } as const;
const Message = {
	SERVER_HELLO: 2,
	CERTIFICATE: 11,
	KEY_EXCHANGE: 12,
	REQUEST: 13,
	DONE: 14,
	CERTIFICATE_VERIFY: 15,
	CLIENT_KEY_EXCHANGE: 16,
	FINISHED: 20,
} as const;
/** MQTT 3.1.1, section 3.2: accepted. */
const CONNACK = Buffer.from([0x20, 2, 0, 0]);

const u8 = (value: number) => Buffer.from([value]);
const u16 = (value: number) => Buffer.from([value >> 8, value & 0xff]);
const u24 = (value: number) =>
	Buffer.from([value >> 16, (value >> 8) & 0xff, value & 0xff]);

/** A record in the clear. */
export const record = (type: number, ...parts: readonly Uint8Array[]) => {
	const body = Buffer.concat(parts);
	return Buffer.concat([u8(type), u16(0x0303), u16(body.length), body]);
};

export const alertRecord = (level: number, description: number) =>
	record(Content.ALERT, Buffer.from([level, description]));

export const dataRecord = (bytes: Uint8Array) => record(Content.DATA, bytes);

export const CONNACK_IN_THE_CLEAR = dataRecord(CONNACK);

const prf = (secret: Buffer, label: string, seed: Buffer, length: number) => {
	const labelled = Buffer.concat([Buffer.from(label), seed]);
	const hmac = (data: Buffer) =>
		createHmac("sha256", secret).update(data).digest();
	let a = labelled;
	let out = Buffer.alloc(0);
	while (out.length < length) {
		a = hmac(a);
		out = Buffer.concat([out, hmac(Buffer.concat([a, labelled]))]);
	}
	return out.subarray(0, length);
};

/** RSA PKCS #1 or ECDSA with SHA-256, as a digitally-signed struct. */
export function signedBy(key: KeyObject): (signed: Buffer) => Buffer {
	return (signed) => {
		const signature = sign("sha256", signed, key);
		const algorithm = key.asymmetricKeyType === "rsa" ? 1 : 3;
		return Buffer.concat([
			Buffer.from([4, algorithm]),
			u16(signature.length),
			signature,
		]);
	};
}

/** One connection's handshake, as the server. */
class Handshake {
	readonly #socket: Socket;
	readonly #presented: Presented;
	readonly #lies: Lies;
	readonly #onData: (bytes: Buffer, reply: (bytes: Uint8Array) => void) => void;
	readonly #onCertificate: () => void;
	readonly #onHello: (hello: Buffer) => void;
	readonly #ecdh = createECDH("prime256v1");
	readonly #serverRandom = randomBytes(32);
	#clientRandom = Buffer.alloc(0);
	#messages = Buffer.alloc(0);
	#received = Buffer.alloc(0);
	#master = Buffer.alloc(0);
	#keys: { client: Buffer; server: Buffer; ivs: Buffer } | undefined;
	#sending: Buffer[] = [];
	#readSequence = 0n;
	#writeSequence = 0n;

	constructor(
		socket: Socket,
		presented: Presented,
		lies: Lies,
		onData: (bytes: Buffer, reply: (bytes: Uint8Array) => void) => void,
		onCertificate: () => void,
		onHello: (hello: Buffer) => void,
	) {
		this.#socket = socket;
		this.#presented = presented;
		this.#lies = lies;
		this.#onData = onData;
		this.#onCertificate = onCertificate;
		this.#onHello = onHello;
	}

	receive(bytes: Buffer): void {
		this.#received = Buffer.concat([this.#received, bytes]);
		while (this.#received.length >= 5) {
			const length = this.#received.readUInt16BE(3) + 5;
			if (this.#received.length < length) return;
			const one = this.#received.subarray(0, length);
			this.#received = this.#received.subarray(length);
			this.#onRecord(one[0] ?? 0, one.subarray(5));
		}
	}

	#onRecord(type: number, body: Buffer): void {
		if (type === Content.CIPHER) {
			const block = prf(
				this.#master,
				"key expansion",
				Buffer.concat([this.#serverRandom, this.#clientRandom]),
				40,
			);
			this.#keys = {
				client: block.subarray(0, 16),
				server: block.subarray(16, 32),
				ivs: block.subarray(32),
			};
			return;
		}
		const plain = this.#keys === undefined ? body : this.#open(type, body);
		if (type === Content.DATA)
			this.#onData(plain, (bytes) => {
				this.#seal(Content.DATA, bytes);
				this.#flush(undefined);
			});
		else if (type === Content.HANDSHAKE) this.#onHandshake(plain);
	}

	#onHandshake(message: Buffer): void {
		const type = message[0];
		if (type === 1) {
			this.#onHello(message);
			this.#clientRandom = Buffer.from(message.subarray(6, 38));
			this.#messages = Buffer.from(message);
			this.#answerHello();
		} else if (type === Message.CLIENT_KEY_EXCHANGE) {
			this.#messages = Buffer.concat([this.#messages, message]);
			const secret = this.#ecdh.computeSecret(message.subarray(5));
			this.#master = prf(
				secret,
				"master secret",
				Buffer.concat([this.#clientRandom, this.#serverRandom]),
				48,
			);
		} else if (
			type === Message.CERTIFICATE ||
			type === Message.CERTIFICATE_VERIFY
		) {
			if (type === Message.CERTIFICATE) this.#onCertificate();
			this.#messages = Buffer.concat([this.#messages, message]);
		} else if (type === Message.FINISHED) {
			this.#messages = Buffer.concat([this.#messages, message]);
			this.#finish();
		}
	}

	#answerHello(): void {
		const { certificates, key } = this.#presented;
		const lies = this.#lies;
		const suite =
			lies.suite ?? (key.asymmetricKeyType === "rsa" ? 0xc02f : 0xc02b);
		const hello = Buffer.concat([
			u16(0x0303),
			this.#serverRandom,
			u8(0),
			u16(suite),
			u8(0),
		]);
		const list = Buffer.concat(
			certificates.flatMap((der) => [u24(der.length), der]),
		);
		this.#ecdh.generateKeys();
		const own = this.#ecdh.getPublicKey();
		const point = lies.point?.(own) ?? own;
		const parameters = Buffer.concat([u8(3), u16(23), u8(point.length), point]);
		const signature = (lies.signature ?? signedBy(key))(
			Buffer.concat([this.#clientRandom, this.#serverRandom, parameters]),
		);
		this.#add(Message.SERVER_HELLO, lies.hello?.(hello) ?? hello);
		this.#sending.push(...(lies.beforeCertificate ?? []));
		this.#add(Message.CERTIFICATE, Buffer.concat([u24(list.length), list]));
		this.#add(Message.KEY_EXCHANGE, Buffer.concat([parameters, signature]));
		if (lies.secondKeyExchange === true)
			this.#add(
				Message.KEY_EXCHANGE,
				Buffer.concat([parameters, Buffer.alloc(4)]),
			);
		// RFC 5246, section 7.4.4: rsa_sign; SHA-256 with RSA; no names
		if (lies.asksForCertificate === true)
			this.#add(Message.REQUEST, Buffer.from([1, 1, 0, 2, 4, 1, 0, 0]));
		this.#add(Message.DONE, Buffer.alloc(0));
		this.#sending.push(...(lies.afterDone ?? []));
		this.#flush(lies.first);
	}

	#finish(): void {
		const verify = prf(
			this.#master,
			"server finished",
			createHash("sha256").update(this.#messages).digest(),
			12,
		);
		this.#sending.push(record(Content.CIPHER, u8(1)));
		this.#seal(
			Content.HANDSHAKE,
			Buffer.concat([u8(Message.FINISHED), u24(12), verify]),
		);
		this.#flush(this.#lies.last);
	}

	#flush(lie: Lies["first"]): void {
		const records = this.#sending;
		this.#sending = [];
		this.#socket.write(Buffer.concat(lie?.(records) ?? records));
	}

	#add(type: number, body: Buffer): void {
		const message = Buffer.concat([u8(type), u24(body.length), body]);
		this.#messages = Buffer.concat([this.#messages, message]);
		this.#sending.push(record(Content.HANDSHAKE, message));
	}

	/** RFC 5246, section 6.2.3.3. */
	#additional(sequence: bigint, type: number, length: number): Buffer {
		const head = Buffer.alloc(8);
		head.writeBigUInt64BE(sequence);
		return Buffer.concat([head, u8(type), u16(0x0303), u16(length)]);
	}

	#open(type: number, body: Buffer): Buffer {
		const { client, ivs } = this.#keys ?? assertKeys();
		const length = body.length - 24;
		const cipher = createDecipheriv(
			"aes-128-gcm",
			client,
			Buffer.concat([ivs.subarray(0, 4), body.subarray(0, 8)]),
		);
		cipher.setAAD(this.#additional(this.#readSequence++, type, length));
		cipher.setAuthTag(body.subarray(-16));
		return Buffer.concat([
			cipher.update(body.subarray(8, -16)),
			cipher.final(),
		]);
	}

	#seal(type: number, plain: Uint8Array): void {
		const { server, ivs } = this.#keys ?? assertKeys();
		const nonce = Buffer.alloc(8);
		nonce.writeBigUInt64BE(this.#writeSequence + 1n);
		const cipher = createCipheriv(
			"aes-128-gcm",
			server,
			Buffer.concat([ivs.subarray(4), nonce]),
		);
		cipher.setAAD(this.#additional(this.#writeSequence++, type, plain.length));
		const sealed = Buffer.concat([cipher.update(plain), cipher.final()]);
		this.#sending.push(record(type, nonce, sealed, cipher.getAuthTag()));
	}
}

function assertKeys(): never {
	throw new Error("There are no keys yet.");
}

export class ScriptedServer {
	readonly #server: Server;
	readonly #sockets = new Set<Socket>();
	/** How often a client trusted it so far as to send it data. */
	logins = 0;
	/** Each ClientHello. */
	readonly hellos: Buffer[] = [];
	/** How often a client showed its certificate. */
	certificates = 0;

	constructor(presented: Presented, lies: Lies = {}) {
		this.#server = createServer((socket) => {
			this.#sockets.add(socket);
			const broker = parser({ protocolVersion: 4 });
			let reply: (bytes: Uint8Array) => void = () => undefined;
			broker.on("packet", (packet) => {
				if (packet.cmd === "connect") {
					reply(Buffer.concat([CONNACK, lies.afterLogin ?? Buffer.alloc(0)]));
					if (lies.rawAfterLogin) socket.write(lies.rawAfterLogin);
				} else if (packet.cmd === "pingreq")
					reply(generate({ cmd: "pingresp" }));
				else if (packet.cmd === "publish" && packet.qos === 1)
					reply(generate({ cmd: "puback", messageId: packet.messageId ?? 0 }));
			});
			const handshake = new Handshake(
				socket,
				presented,
				lies,
				(bytes, to) => {
					this.logins++;
					reply = to;
					broker.parse(bytes);
				},
				() => {
					this.certificates++;
				},
				(hello) => this.hellos.push(Buffer.from(hello)),
			);
			socket.on("data", (bytes) => {
				try {
					handshake.receive(bytes);
				} catch (error) {
					socket.destroy(error as Error);
				}
			});
			// A client that does not trust it resets the connection.
			socket.on("error", () => socket.destroy());
			socket.on("close", () => this.#sockets.delete(socket));
		});
	}

	async listen(): Promise<number> {
		this.#server.listen(0, "127.0.0.1");
		await once(this.#server, "listening");
		return (this.#server.address() as AddressInfo).port;
	}

	close(): void {
		for (const socket of this.#sockets) socket.destroy();
		this.#server.close();
	}
}
