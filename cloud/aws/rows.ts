/** What the rows function does: feeds the row store with the blocks that the stream of the blocks table says are stored. */
import type {
	Context,
	DynamoDBBatchResponse,
	DynamoDBRecord,
	DynamoDBStreamEvent,
} from "aws-lambda";
import type { BootBinding, StoredBlock } from "../core/ports.ts";
import { StoreError } from "../core/ports.ts";
import type { RowFeed, UnwrittenBlock } from "../core/row-feed.ts";
import { bindingIn, blockIn } from "./adapters/dynamodb/stream.ts";
import { describeError, type Log } from "./log.ts";
import { ROWS_REFUSED } from "./names.ts";
import { answerOf, MARGIN_MS } from "./stream-batch.ts";

export function rowsHandler(deps: {
	readonly feed: Pick<RowFeed, "blocksStored" | "bindingsLearned">;
	readonly log: Log;
}): (
	event: DynamoDBStreamEvent,
	context: Context,
) => Promise<DynamoDBBatchResponse> {
	const { feed, log } = deps;
	return async (event, context) => {
		const { blocks, things } = readRecords(event.Records);
		const failed = new Set<DynamoDBRecord>();
		const counts = { written: 0, waiting: 0, refused: 0 };
		const refuse = (refused: readonly UnwrittenBlock[]): void => {
			counts.refused += refused.length;
			for (const one of refused) log.warn(ROWS_REFUSED, describe(one));
		};

		const stored = await feed.blocksStored([...blocks.keys()]);
		counts.written += stored.written;
		counts.waiting += stored.waiting;
		refuse(stored.refused);
		for (const one of stored.failed) {
			const record = blocks.get(one.block);
			if (record !== undefined) failed.add(record);
			log.error("rows_not_written", describe(one));
		}

		for (const [thing, { record, boots }] of things) {
			if (context.getRemainingTimeInMillis() < MARGIN_MS) {
				failed.add(record);
				continue;
			}
			try {
				const learned = await feed.bindingsLearned(thing, boots);
				counts.written += learned.written;
				refuse(learned.refused);
				for (const one of learned.failed) {
					failed.add(record);
					log.error("rows_not_written", describe(one));
				}
			} catch (error) {
				if (!(error instanceof StoreError)) throw error;
				failed.add(record);
				log.error("blocks_not_read", { thing, ...describeError(error) });
			}
		}

		const fields = { records: event.Records.length, ...counts };
		if (failed.size > 0) log.warn("batch", { ...fields, failed: failed.size });
		else log.info("batch", fields);
		return answerOf(failed);
	};
}

interface Learned {
	/** The first that tells of a binding. */
	readonly record: DynamoDBRecord;
	readonly boots: BootBinding[];
}

function readRecords(records: readonly DynamoDBRecord[]): {
	readonly blocks: Map<StoredBlock, DynamoDBRecord>;
	readonly things: Map<string, Learned>;
} {
	const blocks = new Map<StoredBlock, DynamoDBRecord>();
	const things = new Map<string, Learned>();
	for (const record of records) {
		// A block never changes: what modifies it is its TTL at most.
		if (record.eventName !== "INSERT") continue;
		const block = blockIn(record);
		if (block !== null) blocks.set(block, record);
		const learned = bindingIn(record);
		if (learned === null) continue;
		const known = things.get(learned.thing);
		if (known === undefined) {
			things.set(learned.thing, { record, boots: [learned.binding] });
		} else known.boots.push(learned.binding);
	}
	return { blocks, things };
}

function describe({ block, reason, detail }: UnwrittenBlock) {
	const { thing, journalId, boot, sequence } = block;
	return { thing, journalId, boot, sequence, code: reason, detail };
}
