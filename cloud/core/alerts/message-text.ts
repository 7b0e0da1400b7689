/**
 * What is said leaves for places with headers, lines and limits. Names of devices, rules and channels are chosen by
 * others: none of them may end a header and begin another.
 */

/** Control characters, the line and paragraph separators, and what turns the direction of writing. */
const CONTROLS = /[\p{Cc}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]+/gu;

/** The same, but for the line feed. */
const CONTROLS_IN_LINES =
	/(?:[^\P{Cc}\n]|[\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069])+/gu;

/** On one line, for subjects and titles; cut to so many characters (UTF-16 units), with an ellipsis. */
export function oneLine(text: string, maxLength = 200): string {
	const line = whole(text).replace(CONTROLS, " ").trim();
	if (line.length <= maxLength) return line;
	return `${line.slice(0, maxLength - 1).replace(/[\ud800-\udbff]$/, "")}…`;
}

/** For bodies: lines stay lines, other control characters become spaces. */
export function lines(text: string): string {
	return whole(text).replace(/\r\n?/g, "\n").replace(CONTROLS_IN_LINES, " ");
}

/** Cut to so many bytes of UTF-8, with an ellipsis, between characters. */
export function cutToBytes(text: string, maxBytes: number): string {
	const bytes = new TextEncoder().encode(text);
	if (bytes.length <= maxBytes) return text;
	let end = maxBytes - 3;
	// A byte 10xxxxxx goes on with the character before it.
	while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end--;
	return `${new TextDecoder().decode(bytes.subarray(0, end))}…`;
}

/** The message for channels that show plain text: the sentence, and where to look. */
export function plainText(notification: {
	readonly text: string;
	readonly link: string | null;
}): string {
	const { text, link } = notification;
	return link === null
		? lines(text)
		: `${lines(text)}\n\n${oneLine(link, 2_000)}`;
}

/** Half of a surrogate pair is no character: not in UTF-8, nor in JSON that others read. */
function whole(text: string): string {
	return text.replace(
		/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g,
		"\ufffd",
	);
}
