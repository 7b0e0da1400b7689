/** An agent that does as a test says, and whether a filter matches a topic. */
import type { Agent, CloudLink, Message } from "../cloud-link.ts";

export class FakeAgent implements Agent {
	readonly wanted: string[];
	isAwaiting = false;
	online = 0;
	offline = 0;
	readonly got: { readonly topic: string; readonly bytes: Uint8Array }[] = [];
	readonly tooLong: number[] = [];
	whenOnline: () => void = () => undefined;
	whenTold: () => void = () => undefined;

	constructor(...filters: string[]) {
		this.wanted = filters;
	}

	/** Attaches an agent of these filters to a link. */
	static on(link: CloudLink, ...filters: string[]): FakeAgent {
		const agent = new FakeAgent(...filters);
		link.attach(agent);
		return agent;
	}

	filters(): readonly string[] {
		return this.wanted;
	}

	owns(topic: string): boolean {
		return this.wanted.some((filter) => matches(filter, topic));
	}

	onOnline(): void {
		this.online++;
		this.whenOnline();
	}

	onOffline(): void {
		this.offline++;
	}

	onMessage(topic: string, { bytes }: Message): void {
		this.got.push({ topic, bytes });
		this.whenTold();
	}

	onTooLong(_: string, lengthBytes: number): void {
		this.tooLong.push(lengthBytes);
	}
}

/** Whether a filter matches a topic (MQTT 3.1.1, section 4.7). */
export function matches(filter: string, topic: string): boolean {
	const wanted = filter.split("/");
	const levels = topic.split("/");
	for (let at = 0; at < wanted.length; at++) {
		const level = wanted[at];
		if (level === "#") return true;
		if (at >= levels.length) return false;
		if (level !== "+" && level !== levels[at]) return false;
	}
	return wanted.length === levels.length;
}
