/** Finds which of a thing's ingest topics a PUBLISH names by comparing bytes: nothing is parsed for each message. */
import {
	blockTopic,
	eventTopic,
	liveTopic,
	parsePublishTopic,
} from "../../../protocol/topics.ts";

export interface OwnTopic {
	readonly topic: string;
	readonly bytes: Buffer;
}

export class OwnTopics {
	readonly #topics: readonly OwnTopic[];

	constructor(thing: string) {
		this.#topics = [blockTopic(thing), liveTopic(thing), eventTopic(thing)]
			.filter((topic) => parsePublishTopic(topic)?.thing === thing)
			.map((topic) => ({ topic, bytes: Buffer.from(topic) }));
	}

	/** @returns null when `buffer[start, end)` is none of them */
	find(buffer: Buffer, start: number, end: number): OwnTopic | null {
		const length = end - start;
		for (const own of this.#topics) {
			if (
				own.bytes.length === length &&
				own.bytes.compare(buffer, start, end) === 0
			) {
				return own;
			}
		}
		return null;
	}
}
