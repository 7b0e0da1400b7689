/**
 * The topics a thing uses, and what it may publish and subscribe to. The reserved ones are AWS IoT Core's:
 * https://docs.aws.amazon.com/iot/latest/developerguide/reserved-topics.html
 */
import { consistsOf, isDigit, isLowerCase, isUpperCase } from "./characters.ts";

/** Thing names: AWS allows `[a-zA-Z0-9:_-]{1,128}`; ours leave out the colon, since names become file names. */

export function isThingName(name: string): boolean {
	return consistsOf(
		name,
		1,
		128,
		(code) =>
			isLowerCase(code) ||
			isUpperCase(code) ||
			isDigit(code) ||
			code === 95 ||
			code === 45,
	);
}

/** Basic Ingest: straight to the rule, with no charge for messaging. Payload: an encoded block. QoS 1. */
export function blockTopic(thing: string): string {
	return `$aws/rules/thinghz_blocks/${thing}/block`;
}

/** Basic Ingest. Payload: a `NodeEvent` document as JSON. QoS 1. */
export function eventTopic(thing: string): string {
	return `$aws/rules/thinghz_events/${thing}/event`;
}

/** Payload: an encoded block with `live` set. QoS 0; never stored. */
export function liveTopic(thing: string): string {
	return `thinghz/${thing}/live`;
}

/** The template of fleet provisioning, whose name is part of its topics. */
export const PROVISIONING_TEMPLATE = "thinghz";

/** What a message a thing publishes is for. */
export type PublishKind = "block" | "event" | "live";

/** The sender and purpose of a topic that a thing publishes to, or null for any other topic. */
export function parsePublishTopic(
	topic: string,
): { readonly thing: string; readonly kind: PublishKind } | null {
	const parts = topic.split("/");
	if (parts[0] === "$aws" && parts[1] === "rules" && parts.length === 5) {
		const thing = parts[3] ?? "";
		if (!isThingName(thing)) return null;
		if (parts[2] === "thinghz_blocks" && parts[4] === "block")
			return { thing, kind: "block" };
		if (parts[2] === "thinghz_events" && parts[4] === "event")
			return { thing, kind: "event" };
		return null;
	}
	if (parts[0] === "thinghz" && parts.length === 3 && parts[2] === "live") {
		const thing = parts[1] ?? "";
		return isThingName(thing) ? { thing, kind: "live" } : null;
	}
	return null;
}
