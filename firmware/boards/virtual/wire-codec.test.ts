import assert from "node:assert/strict";
import fc from "fast-check";
import { nodeUtf8 } from "./processor.ts";
import type { Post, Request, TurnEvent } from "./wire.ts";
import { WireWriter } from "./wire-bytes.ts";
import {
	decodeEvent,
	decodePost,
	decodeRequest,
	encodeEvent,
	encodePost,
	encodeRequest,
} from "./wire-codec.ts";

const record = <T>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }) =>
	fc.record<T>(model, { noNullPrototype: true });
const u8 = fc.nat(0xff);
const u32 = fc.nat(0xffff_fffe);
const bytes = fc.uint8Array({ maxLength: 300 });
const text = fc.string({ unit: "grapheme", maxLength: 40 });
const time = fc.double({ noNaN: true });
const bool = fc.boolean();
const is = fc.constant;
const maybe = <T>(value: fc.Arbitrary<T>) =>
	fc.option(value, { nil: undefined });

const publish = record({
	topic: text,
	QoS: fc.constantFrom(0 as const, 1 as const),
	id: maybe(fc.integer({ min: 1, max: 0xffff })),
	duplicate: maybe(is(true)),
	byteLength: maybe(u32),
}).map(({ topic, QoS, id, duplicate, byteLength }) => ({
	topic,
	QoS,
	...(id === undefined ? {} : { id }),
	...(duplicate === undefined ? {} : { duplicate }),
	...(byteLength === undefined ? {} : { byteLength }),
}));

const request: fc.Arbitrary<Request> = fc.oneof(
	record({
		op: is("flash_read" as const),
		partition: u8,
		offset: u32,
		length: u32,
	}),
	record({
		op: is("flash_program" as const),
		partition: u8,
		offset: u32,
		bytes,
	}),
	record({ op: is("flash_erase" as const), partition: u8, offset: u32 }),
	record({ op: is("setting_get" as const), key: text }),
	record({ op: is("setting_delete" as const), key: text }),
	record({ op: is("setting_set" as const), key: text, value: text }),
	record({ op: is("i2c" as const), address: u8, length: u32, bytes }),
	record({ op: is("random" as const), length: u32 }),
	record({ op: is("socket_read" as const), socket: u32, count: u32 }),
	record({ op: is("socket_write" as const), socket: u32, bytes }),
	record({ op: is("lasting_read" as const), offset: u32, length: u32 }),
	record({ op: is("lasting_write" as const), offset: u32, bytes }),
	record({
		op: is("mqtt_write" as const),
		connection: u32,
		options: maybe(publish),
		data: bytes,
	}),
	record({
		op: is("mqtt_subscribe" as const),
		connection: u32,
		id: fc.nat(0xffff),
		items: fc.array(
			record({ topic: text, QoS: fc.constantFrom(0 as const, 1 as const) }),
			{ maxLength: 8 },
		),
	}),
	record({ op: is("retained" as const) }),
	record({ op: is("retain" as const), bytes }),
	record({ op: is("running" as const) }),
	record({ op: is("slot_activate" as const) }),
	record({ op: is("slot_confirm" as const) }),
	record({ op: is("slot_roll_back" as const) }),
	record({ op: is("hash_begin" as const), hash: u8 }),
	record({ op: is("hash_update" as const), hash: u8, bytes }),
	record({ op: is("hash_digest" as const), hash: u8 }),
	record({ op: is("verify_p256" as const), bytes }),
	record({
		op: is("use_keys" as const),
		id: text,
		certificate: text,
		key: text,
	}),
);

const post: fc.Arbitrary<Post> = fc.oneof(
	record({ op: is("idle" as const), deadlineMs: fc.option(time) }),
	record({
		op: is("log" as const),
		level: fc.constantFrom(
			"error" as const,
			"warn" as const,
			"info" as const,
			"debug" as const,
		),
		text,
	}),
	record({ op: is("report" as const), json: text }),
	record({ op: is("wifi" as const), station: text }),
	record({ op: is("time" as const), request: u32 }),
	record({
		op: is("mqtt_connect" as const),
		connection: u32,
		host: text,
		port: fc.nat(0xffff),
		id: text,
		clean: bool,
		keepAliveMs: time,
	}),
	record({ op: is("mqtt_close" as const), connection: u32, graceful: bool }),
	record({
		op: is("socket_connect" as const),
		socket: u32,
		host: text,
		port: fc.nat(0xffff),
		isSecure: bool,
	}),
	record({ op: is("socket_close" as const), socket: u32 }),
	record({ op: is("feed" as const) }),
	record({ op: is("sleep" as const), durationMs: time }),
);

const event: fc.Arbitrary<TurnEvent> = fc.oneof(
	record({ op: is("boot" as const), json: text }),
	record({ op: is("timer" as const) }),
	record({ op: is("stop" as const) }),
	record({ op: is("config" as const), text }),
	record({ op: is("time" as const), request: u32, wallMs: fc.option(time) }),
	record({
		op: is("mqtt_readable" as const),
		connection: u32,
		more: bool,
		topic: text,
		byteLength: u32,
		bytes,
	}),
	record({
		op: is("mqtt_readable" as const),
		connection: u32,
		more: bool,
		topic: is(undefined),
		byteLength: is(0),
		bytes,
	}),
	record({ op: is("mqtt_writable" as const), connection: u32, count: u32 }),
	record({
		op: is("mqtt_control" as const),
		connection: u32,
		operation: u8,
		id: maybe(u32),
		returnCode: maybe(u32),
		codes: maybe(bytes),
	}),
	record({
		op: fc.constantFrom("socket_readable" as const, "socket_writable" as const),
		socket: u32,
		count: u32,
	}),
	record({
		op: is("socket_end" as const),
		socket: u32,
		reason: fc.constantFrom("tcp" as const, "tls" as const, "closed" as const),
	}),
	record({
		op: is("mqtt_error" as const),
		connection: u32,
		reason: fc.constantFrom(
			"name_lookup" as const,
			"tcp" as const,
			"tls" as const,
			"refused" as const,
			"auth" as const,
			"timeout" as const,
			"closed" as const,
			"stopped" as const,
		),
	}),
);

const writer = new WireWriter(nodeUtf8);

describe("A message between XS and its peripherals", () => {
	it("comes out as the request it was", () => {
		fc.assert(
			fc.property(request, (message) => {
				const encoded = encodeRequest(writer, message).slice();
				assert.deepEqual(decodeRequest(nodeUtf8, encoded), message);
			}),
		);
	});

	it("comes out as the post it was", () => {
		fc.assert(
			fc.property(post, (message) => {
				const encoded = encodePost(writer, message).slice();
				assert.deepEqual(decodePost(nodeUtf8, encoded), message);
			}),
		);
	});

	it("comes out as the event it was, with the time of its turn", () => {
		fc.assert(
			fc.property(time, event, (uptimeMs, message) => {
				const encoded = encodeEvent(writer, uptimeMs, message).slice();
				assert.deepEqual(decodeEvent(nodeUtf8, encoded), {
					uptimeMs,
					event: message,
				});
			}),
		);
	});

	it("is refused with a RangeError, and nothing else, when it is any other bytes", () => {
		for (const decode of [decodeRequest, decodePost, decodeEvent]) {
			fc.assert(
				fc.property(bytes, (message) => {
					try {
						decode(nodeUtf8, message);
					} catch (error) {
						assert.ok(error instanceof RangeError);
					}
				}),
			);
		}
	});
});
