/** The messages of wire.ts as bytes. Runs on both sides of the channel. */
import type {
	LogLevel,
	MqttPublishOptions,
	MqttSubscription,
	OfflineReason,
} from "../../node/ports.ts";
import type { Post, Request, TurnEvent } from "./wire.ts";
import { type Utf8, WireReader, type WireWriter } from "./wire-bytes.ts";

const REQUESTS = [
	"flash_read",
	"flash_program",
	"flash_erase",
	"setting_get",
	"setting_set",
	"setting_delete",
	"i2c",
	"random",
	"mqtt_write",
	"retained",
	"retain",
	"mqtt_subscribe",
	"lasting_read",
	"lasting_write",
	"slot_activate",
	"slot_confirm",
	"slot_roll_back",
	"hash_begin",
	"hash_update",
	"hash_digest",
	"verify_p256",
	"running",
	"socket_read",
	"socket_write",
	"use_keys",
] as const satisfies readonly Request["op"][];

const POSTS = [
	"idle",
	"log",
	"report",
	"time",
	"mqtt_connect",
	"mqtt_close",
	"feed",
	"sleep",
	"wifi",
	"socket_connect",
	"socket_close",
] as const satisfies readonly Post["op"][];

const EVENTS = [
	"boot",
	"timer",
	"time",
	"mqtt_readable",
	"mqtt_writable",
	"mqtt_control",
	"mqtt_error",
	"stop",
	"config",
	"socket_readable",
	"socket_writable",
	"socket_end",
] as const satisfies readonly TurnEvent["op"][];

const LEVELS = [
	"error",
	"warn",
	"info",
	"debug",
] as const satisfies readonly LogLevel[];

const REASONS = [
	"name_lookup",
	"tcp",
	"tls",
	"refused",
	"auth",
	"timeout",
	"closed",
	"stopped",
	"wifi_password",
	"wifi_not_found",
	"wifi",
] as const satisfies readonly OfflineReason[];

/** Stands for an absent u32 or f64. */
const NO_U32 = 0xffff_ffff;
const NO_TIME = Number.NaN;
const NO_BYTES = new Uint8Array(0);

function pick<T>(names: readonly T[], index: number): T {
	const name = names[index];
	if (name === undefined) throw new RangeError(`No message has code ${index}.`);
	return name;
}

/** The message is good until `writer` is used again. */
export function encodeRequest(
	writer: WireWriter,
	request: Request,
): Uint8Array {
	writer.begin().u8(REQUESTS.indexOf(request.op));
	switch (request.op) {
		case "flash_read":
			writer.u8(request.partition).u32(request.offset).u32(request.length);
			break;
		case "flash_program":
			writer.u8(request.partition).u32(request.offset).raw(request.bytes);
			break;
		case "flash_erase":
			writer.u8(request.partition).u32(request.offset);
			break;
		case "lasting_read":
			writer.u32(request.offset).u32(request.length);
			break;
		case "lasting_write":
			writer.u32(request.offset).raw(request.bytes);
			break;
		case "setting_get":
		case "setting_delete":
			writer.text(request.key);
			break;
		case "setting_set":
			writer.text(request.key).text(request.value);
			break;
		case "i2c":
			writer.u8(request.address).u32(request.length).raw(request.bytes);
			break;
		case "random":
			writer.u32(request.length);
			break;
		case "socket_read":
			writer.u32(request.socket).u32(request.count);
			break;
		case "socket_write":
			writer.u32(request.socket).raw(request.bytes);
			break;
		case "mqtt_write": {
			const { options } = request;
			writer.u32(request.connection).u8(options === undefined ? 0 : 1);
			if (options !== undefined) {
				writer
					.u8(options.QoS)
					.u8(options.duplicate ? 1 : 0)
					.u16(options.id ?? 0)
					.u32(options.byteLength ?? NO_U32)
					.text(options.topic);
			}
			writer.raw(request.data);
			break;
		}
		case "mqtt_subscribe":
			writer.u32(request.connection).u16(request.id).u8(request.items.length);
			for (const { topic, QoS } of request.items) writer.u8(QoS).text(topic);
			break;
		case "retain":
		case "verify_p256":
			writer.raw(request.bytes);
			break;
		case "hash_begin":
		case "hash_digest":
			writer.u8(request.hash);
			break;
		case "hash_update":
			writer.u8(request.hash).raw(request.bytes);
			break;
		case "use_keys":
			writer.text(request.id).text(request.certificate).text(request.key);
			break;
		case "retained":
		case "running":
		case "slot_activate":
		case "slot_confirm":
		case "slot_roll_back":
			break;
	}
	return writer.bytes;
}

/** @throws RangeError when the bytes are no request */
export function decodeRequest(utf8: Utf8, bytes: Uint8Array): Request {
	const reader = new WireReader(utf8, bytes);
	const op = pick(REQUESTS, reader.u8());
	switch (op) {
		case "flash_read":
			return {
				op,
				partition: reader.u8(),
				offset: reader.u32(),
				length: reader.u32(),
			};
		case "flash_program":
			return {
				op,
				partition: reader.u8(),
				offset: reader.u32(),
				bytes: reader.rest(),
			};
		case "flash_erase":
			return { op, partition: reader.u8(), offset: reader.u32() };
		case "lasting_read":
			return { op, offset: reader.u32(), length: reader.u32() };
		case "lasting_write":
			return { op, offset: reader.u32(), bytes: reader.rest() };
		case "setting_get":
		case "setting_delete":
			return { op, key: reader.text() };
		case "setting_set":
			return { op, key: reader.text(), value: reader.text() };
		case "i2c":
			return {
				op,
				address: reader.u8(),
				length: reader.u32(),
				bytes: reader.rest(),
			};
		case "random":
			return { op, length: reader.u32() };
		case "socket_read":
			return { op, socket: reader.u32(), count: reader.u32() };
		case "socket_write":
			return { op, socket: reader.u32(), bytes: reader.rest() };
		case "mqtt_write": {
			const connection = reader.u32();
			const options = reader.u8() === 1 ? readPublish(reader) : undefined;
			return { op, connection, options, data: reader.rest() };
		}
		case "mqtt_subscribe": {
			const connection = reader.u32();
			const id = reader.u16();
			const items: MqttSubscription[] = [];
			for (let count = reader.u8(); count > 0; count--) {
				const QoS = reader.u8() === 1 ? 1 : 0;
				items.push({ QoS, topic: reader.text() });
			}
			return { op, connection, id, items };
		}
		case "retain":
		case "verify_p256":
			return { op, bytes: reader.rest() };
		case "hash_begin":
		case "hash_digest":
			return { op, hash: reader.u8() };
		case "hash_update":
			return { op, hash: reader.u8(), bytes: reader.rest() };
		case "use_keys":
			return {
				op,
				id: reader.text(),
				certificate: reader.text(),
				key: reader.text(),
			};
		case "retained":
		case "running":
		case "slot_activate":
		case "slot_confirm":
		case "slot_roll_back":
			return { op };
	}
}

function readPublish(reader: WireReader): MqttPublishOptions {
	const QoS = reader.u8() === 1 ? 1 : 0;
	const duplicate = reader.u8() === 1;
	const id = reader.u16();
	const byteLength = reader.u32();
	const topic = reader.text();
	return {
		topic,
		QoS,
		...(id === 0 ? {} : { id }),
		...(duplicate ? { duplicate } : {}),
		...(byteLength === NO_U32 ? {} : { byteLength }),
	};
}

/** The message is good until `writer` is used again. */
export function encodePost(writer: WireWriter, post: Post): Uint8Array {
	writer.begin().u8(POSTS.indexOf(post.op));
	switch (post.op) {
		case "idle":
			writer.f64(post.deadlineMs ?? NO_TIME);
			break;
		case "log":
			writer.u8(LEVELS.indexOf(post.level)).text(post.text);
			break;
		case "report":
			writer.text(post.json);
			break;
		case "time":
			writer.u32(post.request);
			break;
		case "mqtt_connect":
			writer
				.u32(post.connection)
				.u16(post.port)
				.u8(post.clean ? 1 : 0)
				.f64(post.keepAliveMs)
				.text(post.host)
				.text(post.id);
			break;
		case "socket_connect":
			writer
				.u32(post.socket)
				.u16(post.port)
				.u8(post.isSecure ? 1 : 0)
				.text(post.host);
			break;
		case "socket_close":
			writer.u32(post.socket);
			break;
		case "mqtt_close":
			writer.u32(post.connection).u8(post.graceful ? 1 : 0);
			break;
		case "sleep":
			writer.f64(post.durationMs);
			break;
		case "wifi":
			writer.text(post.station);
			break;
		case "feed":
			break;
	}
	return writer.bytes;
}

/** @throws RangeError when the bytes are no post */
export function decodePost(utf8: Utf8, bytes: Uint8Array): Post {
	const reader = new WireReader(utf8, bytes);
	const op = pick(POSTS, reader.u8());
	switch (op) {
		case "idle": {
			const deadlineMs = reader.f64();
			return {
				op,
				deadlineMs: Number.isNaN(deadlineMs) ? null : deadlineMs,
			};
		}
		case "log":
			return { op, level: pick(LEVELS, reader.u8()), text: reader.text() };
		case "report":
			return { op, json: reader.text() };
		case "time":
			return { op, request: reader.u32() };
		case "mqtt_connect":
			return {
				op,
				connection: reader.u32(),
				port: reader.u16(),
				clean: reader.u8() === 1,
				keepAliveMs: reader.f64(),
				host: reader.text(),
				id: reader.text(),
			};
		case "socket_connect":
			return {
				op,
				socket: reader.u32(),
				port: reader.u16(),
				isSecure: reader.u8() === 1,
				host: reader.text(),
			};
		case "socket_close":
			return { op, socket: reader.u32() };
		case "mqtt_close":
			return {
				op,
				connection: reader.u32(),
				graceful: reader.u8() === 1,
			};
		case "sleep":
			return { op, durationMs: reader.f64() };
		case "wifi":
			return { op, station: reader.text() };
		case "feed":
			return { op };
	}
}

/** The message is good until `writer` is used again. `uptimeMs` is the time of the whole turn. */
export function encodeEvent(
	writer: WireWriter,
	uptimeMs: number,
	event: TurnEvent,
): Uint8Array {
	writer.begin().f64(uptimeMs).u8(EVENTS.indexOf(event.op));
	switch (event.op) {
		case "boot":
			writer.text(event.json);
			break;
		case "time":
			writer.u32(event.request).f64(event.wallMs ?? NO_TIME);
			break;
		case "mqtt_readable":
			writer
				.u32(event.connection)
				.u8((event.more ? 1 : 0) | (event.topic === undefined ? 0 : 2));
			if (event.topic !== undefined) {
				writer.u32(event.byteLength).text(event.topic);
			}
			writer.raw(event.bytes);
			break;
		case "mqtt_writable":
			writer.u32(event.connection).u32(event.count);
			break;
		case "mqtt_control":
			writer
				.u32(event.connection)
				.u8(event.operation)
				.u32(event.id ?? NO_U32)
				.u32(event.returnCode ?? NO_U32)
				.u8(event.codes === undefined ? 0 : 1)
				.raw(event.codes ?? NO_BYTES);
			break;
		case "socket_readable":
		case "socket_writable":
			writer.u32(event.socket).u32(event.count);
			break;
		case "socket_end":
			writer.u32(event.socket).u8(REASONS.indexOf(event.reason));
			break;
		case "mqtt_error":
			writer.u32(event.connection).u8(REASONS.indexOf(event.reason));
			break;
		case "config":
			writer.text(event.text);
			break;
		case "timer":
		case "stop":
			break;
	}
	return writer.bytes;
}

/** @throws RangeError when the bytes are no event */
export function decodeEvent(
	utf8: Utf8,
	bytes: Uint8Array,
): { readonly uptimeMs: number; readonly event: TurnEvent } {
	const reader = new WireReader(utf8, bytes);
	const uptimeMs = reader.f64();
	return { uptimeMs, event: readEvent(reader) };
}

function readEvent(reader: WireReader): TurnEvent {
	const op = pick(EVENTS, reader.u8());
	switch (op) {
		case "boot":
			return { op, json: reader.text() };
		case "time": {
			const request = reader.u32();
			const wallMs = reader.f64();
			return { op, request, wallMs: Number.isNaN(wallMs) ? null : wallMs };
		}
		case "mqtt_readable": {
			const connection = reader.u32();
			const flags = reader.u8();
			const first = (flags & 2) !== 0;
			const byteLength = first ? reader.u32() : 0;
			const topic = first ? reader.text() : undefined;
			const more = (flags & 1) !== 0;
			return { op, connection, more, topic, byteLength, bytes: reader.rest() };
		}
		case "mqtt_writable":
			return { op, connection: reader.u32(), count: reader.u32() };
		case "mqtt_control": {
			const connection = reader.u32();
			const operation = reader.u8();
			const id = reader.u32();
			const returnCode = reader.u32();
			return {
				op,
				connection,
				operation,
				id: id === NO_U32 ? undefined : id,
				returnCode: returnCode === NO_U32 ? undefined : returnCode,
				codes: reader.u8() === 1 ? reader.rest() : undefined,
			};
		}
		case "socket_readable":
		case "socket_writable":
			return { op, socket: reader.u32(), count: reader.u32() };
		case "socket_end":
			return {
				op,
				socket: reader.u32(),
				reason: pick(REASONS, reader.u8()),
			};
		case "mqtt_error":
			return {
				op,
				connection: reader.u32(),
				reason: pick(REASONS, reader.u8()),
			};
		case "config":
			return { op, text: reader.text() };
		case "timer":
		case "stop":
			return { op };
	}
}
