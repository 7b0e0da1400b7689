/**
 * What a thing may publish and subscribe to: the policy that AWS IoT attaches to its certificate, in code. Least
 * privilege: everything names the thing itself, and nothing that is not listed is allowed.
 * Reserved topics: https://docs.aws.amazon.com/iot/latest/developerguide/reserved-topics.html
 */
import {
	PROVISIONING_ANSWERS,
	PROVISIONING_REQUESTS,
} from "../../../protocol/provisioning.ts";

/** AWS IoT Core limits: topic 256 bytes of UTF-8 and 7 slashes. */
const MAX_TOPIC_BYTES = 256;
const MAX_SLASHES = 7;

/**
 * Requests a thing may make below `$aws/things/<thing>/`. Answers (accepted, rejected, delta, documents, notify, data,
 * description) are the cloud's alone.
 */
const REQUESTS = [
	/^shadow\/(get|update|delete)$/,
	/^shadow\/name\/[a-zA-Z0-9:_-]{1,64}\/(get|update|delete)$/,
	/^jobs\/(get|start-next)$/,
	/^jobs\/([a-zA-Z0-9_-]{1,64}\/(get|update)|\$next\/get)$/,
	/^streams\/[a-zA-Z0-9_-]{1,128}\/(describe|get)\/json$/,
];

/**
 * Filters below `$aws/things/<thing>/` that can match what is sent: of shadows, jobs and streams, or, by a wildcard, of all of them. Whoever
 * subscribes to what is not served (Device Defender, tunnels) is refused rather than left to wait, as by the policies on AWS.
 */
const ANSWERS = /^(#$|\+(\/|$)|(shadow|jobs|streams)\/)/;

/**
 * Whether a topic that is neither a Basic Ingest topic nor the live topic may be published to.
 * @param thing null for the holder of a claim certificate
 */
export function mayPublish(thing: string | null, topic: string): boolean {
	if (PROVISIONING_REQUESTS.includes(topic)) return true;
	if (thing === null) return false;
	if (!hasTopicShape(topic) || /[#+]/.test(topic)) return false;
	if (topic.startsWith(`thinghz/${thing}/`)) return true;
	const reserved = `$aws/things/${thing}/`;
	if (!topic.startsWith(reserved)) return false;
	const request = topic.slice(reserved.length);
	return REQUESTS.some((pattern) => pattern.test(request));
}

/**
 * Whether every topic that the filter can match is the thing's own, or answers its own requests alone, and any of them is served.
 * @param thing null for the holder of a claim certificate
 */
export function maySubscribe(thing: string | null, filter: string): boolean {
	if (PROVISIONING_ANSWERS.includes(filter)) return true;
	if (thing === null || !hasTopicShape(filter)) return false;
	if (filter.startsWith(`thinghz/${thing}/`)) return true;
	const reserved = `$aws/things/${thing}/`;
	return (
		filter.startsWith(reserved) && ANSWERS.test(filter.slice(reserved.length))
	);
}

function hasTopicShape(topic: string): boolean {
	return (
		Buffer.byteLength(topic) <= MAX_TOPIC_BYTES &&
		topic.split("/").length - 1 <= MAX_SLASHES &&
		// MQTT 3.1.1, 1.5.3: no NUL; U+FFFD stands for what was not UTF-8.
		!topic.includes("\u0000") &&
		!topic.includes("\uFFFD")
	);
}
