import assert from "node:assert/strict";
import { readEvents } from "./sse.ts";

function streamOf(...chunks: string[]): ReadableStream<Uint8Array> {
	const encoder = new TextEncoder();
	return new ReadableStream({
		start(controller) {
			for (const chunk of chunks) controller.enqueue(encoder.encode(chunk));
			controller.close();
		},
	});
}

async function eventsOf(...chunks: string[]) {
	const events = [];
	for await (const event of readEvents(streamOf(...chunks))) events.push(event);
	return events;
}

describe("reading server-sent events", () => {
	it("finds events however the chunks are cut", async () => {
		const text = 'event: live\ndata: {"a":1}\n\n: beat\n\ndata: x\ndata: y\n\n';
		for (let at = 1; at < text.length; at++) {
			assert.deepEqual(await eventsOf(text.slice(0, at), text.slice(at)), [
				{ event: "live", data: '{"a":1}' },
				{ event: "message", data: "x\ny" },
			]);
		}
	});

	it("takes CRLF line ends too", async () => {
		assert.deepEqual(await eventsOf("event: a\r\ndata: b\r\n\r\n"), [
			{ event: "a", data: "b" },
		]);
	});

	it("leaves out an event that the end of the stream cut off", async () => {
		assert.deepEqual(await eventsOf("data: whole\n\ndata: cut"), [
			{ event: "message", data: "whole" },
		]);
	});
});
