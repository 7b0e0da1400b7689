/**
 * Topic filters as AWS IoT Core reads them: "Topic filters" of
 * https://docs.aws.amazon.com/iot/latest/developerguide/topics.html
 */

/** "Message broker and protocol limits" of https://docs.aws.amazon.com/general/latest/gr/iot-core.html */
const MAX_BYTES = 256;
const MAX_SLASHES = 7;

/** @returns what is wrong with a filter behind FROM, in a sentence; null when nothing is */
export function checkTopicFilter(filter: string): string | null {
	if (filter === "") return "The topic filter is empty.";
	if (/[\0\uFFFD]/.test(filter)) {
		return "The topic filter holds characters that no topic can hold.";
	}
	if (filter.startsWith("$aws/rules/") || filter === "$aws/rules") {
		return "A rule cannot be subscribed to a Basic Ingest topic: devices reach it by its name. Leave $aws/rules/<rule>/ out.";
	}
	if (new TextEncoder().encode(filter).length > MAX_BYTES) {
		return `The topic filter is longer than ${MAX_BYTES} bytes.`;
	}
	const segments = filter.split("/");
	if (segments.length - 1 > MAX_SLASHES) {
		return `The topic filter has more than ${MAX_SLASHES} slashes.`;
	}
	for (const [index, segment] of segments.entries()) {
		if (segment.includes("#") && segment !== "#") {
			return "# has to be a whole segment of the topic filter.";
		}
		if (segment === "#" && index !== segments.length - 1) {
			return "# has to be the last segment of the topic filter.";
		}
		if (segment.includes("+") && segment !== "+") {
			return "+ has to be a whole segment of the topic filter.";
		}
	}
	return null;
}

/**
 * Whether a message on a topic reaches who subscribed to a filter. `#` stands for "one or more particular path elements"
 * (…/iot-sql-from.html), so `sensor/#` is not reached from `sensor` itself, where MQTT 3.1.1, 4.7.1.2, would have it so.
 * Wildcards at the start do not stand for `$…` (MQTT 3.1.1, 4.7.2).
 */
export function matchesTopic(filter: string, topic: string): boolean {
	const wanted = filter.split("/");
	const given = topic.split("/");
	if (topic.startsWith("$") && !filter.startsWith("$")) return false;
	for (const [index, segment] of wanted.entries()) {
		if (segment === "#") return given.length > index;
		const level = given[index];
		if (level === undefined) return false;
		if (segment !== "+" && segment !== level) return false;
	}
	return given.length === wanted.length;
}
