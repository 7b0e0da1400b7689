/**
 * Alerts on DynamoDB: rules, states, the history of events and push subscriptions, each as JSON with what it is found by beside
 * it. A state's outbox is in the state, so that both are one conditional write; while there is something in it, the item has the
 * attribute that the table's stream is filtered by, and lies in the index by when it is due.
 */
import type {
	AlertEvent,
	AlertRule,
	AlertState,
	AlertStore,
	PushSubscription,
} from "../../../core/alerts/ports.ts";
import { OUTBOX_ATTRIBUTE } from "../../tables.ts";
import { type Retention, timeKey } from "./block-keys.ts";
import { inParallel } from "./parallel.ts";
import { allOf, OTHER_INDEX, SEPARATOR, sortedByText } from "./records.ts";
import { type Item, json, type Key, keyOf, type Table, take } from "./table.ts";

const RULES = "rule";
const STATES = "state";
const EVENTS = "event";
const DUE = "due";

const ALL = Number.POSITIVE_INFINITY;

export function dynamoAlerts(table: Table, retention: Retention): AlertStore {
	const listStates = (device?: string): Promise<AlertState[]> => {
		const beginning = device === undefined ? "" : `${device}${SEPARATOR}`;
		const pages = table.query(allOf(STATES, beginning));
		return take(pages, ALL, toState);
	};
	return {
		putRule: (rule) =>
			table.put({ ...toItem({ partition: RULES, sort: rule.id }, rule) }),
		async getRule(id) {
			const item = await table.get({ partition: RULES, sort: id });
			return item && json<AlertRule>(item, "json");
		},
		async listRules() {
			const rules = await take(table.query(allOf(RULES)), ALL, (item) =>
				json<AlertRule>(item, "json"),
			);
			return sortedByText(rules, ({ name, id }) => [name, id]);
		},
		async deleteRule(id) {
			// The rule first: without it no state of it is made any more, and what is left is deleted by asking again.
			await table.delete({ partition: RULES, sort: id });
			const states = await listStates();
			await inParallel(
				states.filter(({ ruleId }) => ruleId === id),
				(state) => table.delete(stateKey(state.ruleId, state.device)),
			);
		},

		async getState(ruleId, device) {
			const item = await table.get(stateKey(ruleId, device));
			return item && toState(item);
		},
		async listStates(device) {
			return sortedByText(await listStates(device), (state) => [
				state.device,
				state.ruleId,
			]);
		},
		async putState(state) {
			const put = await table.putIf(
				stateItem(state),
				state.version === 1
					? { expression: "attribute_not_exists(p)" }
					: {
							expression: "version = :before",
							values: { ":before": { N: String(state.version - 1) } },
						},
			);
			return put.done;
		},
		async due(nowMs, limit) {
			if (limit < 1) return [];
			const pages = table.queryIndex(OTHER_INDEX, {
				partition: DUE,
				sort: { name: "k", to: { S: `${timeKey(nowMs)}~` } },
				limit,
			});
			// The index may be behind: what is due is what the states say.
			const states = await table.getMany(await take(pages, limit, keyOf));
			const due = states
				.map(toState)
				.filter(({ dueMs }) => dueMs !== null && dueMs <= nowMs);
			return sortedByText(due, ({ dueMs, device, ruleId }) => [
				dueMs ?? 0,
				device,
				ruleId,
			]);
		},

		putEvent: (event) =>
			table.put({
				...toItem({ partition: EVENTS, sort: event.id }, event),
				g: { S: ofDevice(event.device) },
				k: { S: event.id },
				...retention.after(event.atMs),
			}),
		async listEvents({ limit, after, device }) {
			if (limit < 1 || (after !== undefined && !isEventId(after))) return [];
			// One more, since `after` itself is among those up to it.
			const most = after === undefined ? limit : limit + 1;
			const idOfOther = (item: Item): string | null => {
				const { sort } = keyOf(item);
				return sort === after ? null : sort;
			};
			if (device === undefined) {
				const pages = table.query({
					...allOf(EVENTS),
					...(after === undefined ? {} : { to: after }),
					newestFirst: true,
					limit: most,
				});
				return take(pages, limit, (item) =>
					idOfOther(item) === null ? null : json<AlertEvent>(item, "json"),
				);
			}
			const pages = table.queryIndex(OTHER_INDEX, {
				partition: ofDevice(device),
				sort: { name: "k", to: { S: after ?? "~" } },
				newestFirst: true,
				limit: most,
			});
			const ids = await take(pages, limit, idOfOther);
			const items = await table.getMany(
				ids.map((sort) => ({ partition: EVENTS, sort })),
			);
			const events = items.map((item) => json<AlertEvent>(item, "json"));
			return sortedByText(events, ({ id }) => [id]).reverse();
		},

		putSubscription: (subscription) =>
			table.put(
				toItem(
					{ partition: ofSubject(subscription.subject), sort: subscription.id },
					subscription,
				),
			),
		async listSubscriptions(subject) {
			const all = await take(
				table.query(allOf(ofSubject(subject))),
				ALL,
				(item) => json<PushSubscription>(item, "json"),
			);
			return sortedByText(all, ({ createdMs, id }) => [createdMs, id]);
		},
		deleteSubscription: (subject, id) =>
			table.delete({ partition: ofSubject(subject), sort: id }),
	};
}

function stateKey(ruleId: string, device: string): Key {
	return { partition: STATES, sort: `${device}${SEPARATOR}${ruleId}` };
}

function stateItem(state: AlertState): Item {
	const { ruleId, device, version, dueMs, outbox } = state;
	return {
		...toItem(stateKey(ruleId, device), state),
		version: { N: String(version) },
		...(outbox.length === 0 ? {} : { [OUTBOX_ATTRIBUTE]: { S: "1" } }),
		...(dueMs === null
			? {}
			: {
					g: { S: DUE },
					k: { S: [timeKey(dueMs), device, ruleId].join(SEPARATOR) },
				}),
	};
}

/** Exported for what reads the stream of the table. */
export function toState(item: Item): AlertState {
	return json<AlertState>(item, "json");
}

function toItem({ partition, sort }: Key, value: unknown): Item {
	return {
		p: { S: partition },
		s: { S: sort },
		json: { S: JSON.stringify(value) },
	};
}

/** What somebody hands in as a cursor may be anything: DynamoDB takes keys of 1 to 1,024 bytes. */
function isEventId(text: string): boolean {
	return /^[ -~]{1,512}$/.test(text) && text > " ";
}

function ofDevice(device: string): string {
	return `${EVENTS}${SEPARATOR}${device}`;
}

function ofSubject(subject: string): string {
	return `push${SEPARATOR}${subject}`;
}
