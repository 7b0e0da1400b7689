/** Reads a stream of server-sent events (HTML standard, section 9.2.6). */

export interface ServerEvent {
	/** "message" where the stream names none. */
	readonly event: string;
	readonly data: string;
}

/** The events of a response's body, until it ends. Comments and fields other than `event` and `data` are passed over. */
export async function* readEvents(
	body: ReadableStream<Uint8Array>,
): AsyncGenerator<ServerEvent> {
	const decoder = new TextDecoder();
	let pending = "";
	let event = "";
	let data: string[] = [];
	for await (const chunk of body) {
		pending += decoder.decode(chunk, { stream: true });
		const lines = pending.split(/\r\n|\n|\r(?!$)/);
		pending = lines.pop() ?? "";
		for (const line of lines) {
			if (line === "") {
				if (data.length > 0) {
					yield { event: event || "message", data: data.join("\n") };
				}
				event = "";
				data = [];
				continue;
			}
			const colon = line.indexOf(":");
			const field = colon < 0 ? line : line.slice(0, colon);
			const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
			if (field === "event") event = value;
			else if (field === "data") data.push(value);
		}
	}
}
