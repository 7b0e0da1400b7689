/**
 * Devices on DynamoDB, and which of them are connected. A device is two items: what changes often, below 1 KB so that a change is one
 * write unit, and beside it its channels, which hardly ever change.
 */
import type { Channel } from "../../../../protocol/block.ts";
import type {
	Device,
	DeviceBoot,
	DeviceStore,
	DeviceUpdate,
} from "../../../core/ports.ts";
import { StoreError } from "../../../core/ports.ts";
import type { Presence, PresenceStore } from "../../../core/presence.ts";
import { allOf, SEPARATOR } from "./records.ts";
import { type Item, json, keyOf, number, type Table, text } from "./table.ts";

const DEVICES = "device";
/** No name of a device has the separator, which sorts before all that names are made of: a device's channels follow it. */
const CHANNELS = `${SEPARATOR}channels`;

/** As often as that, somebody else may add channels at the same time. */
const MERGE_ATTEMPTS = 8;

export function dynamoDevices(table: Table): DeviceStore {
	async function get(name: string): Promise<Device | null> {
		const [device = null] = await read(table, name, name + CHANNELS);
		return device;
	}

	async function mergeChannels(
		name: string,
		channels: readonly Channel[],
	): Promise<void> {
		const key = { partition: DEVICES, sort: name + CHANNELS };
		for (let attempt = 0; attempt < MERGE_ATTEMPTS; attempt++) {
			const there = await table.get(key);
			const known = there === null ? [] : json<Channel[]>(there, "channels");
			const byId = new Map(known.map((channel) => [channel.id, channel]));
			for (const channel of channels) byId.set(channel.id, channel);
			const merged = JSON.stringify([...byId.values()]);
			const before = there?.channels;
			if (before?.S === merged) return;
			const put = await table.putIf(
				{
					p: { S: DEVICES },
					s: { S: key.sort },
					channels: { S: merged },
				},
				before === undefined
					? { expression: "attribute_not_exists(p)" }
					: {
							expression: "channels = :before",
							values: { ":before": before },
						},
			);
			if (put.done) return;
		}
		throw new StoreError(
			"unavailable",
			`The channels of ${name} were changed by others ${MERGE_ATTEMPTS} times.`,
		);
	}

	return {
		async create(name, createdMs) {
			const put = await table.putNew({
				p: { S: DEVICES },
				s: { S: name },
				createdMs: { N: String(createdMs) },
				online: { BOOL: false },
			});
			return put.done;
		},
		get,
		async list() {
			const { from, to } = allOf(DEVICES);
			return read(table, from, to);
		},
		async update(name, update) {
			const { channels, ...rest } = update;
			const sets = setsOf(rest);
			if (sets.length > 0 || channels !== undefined) {
				const isThere = await set(table, name, sets);
				if (!isThere) return;
			}
			if (channels !== undefined && channels.length > 0) {
				await mergeChannels(name, channels);
			}
		},
	};
}

/** What is known of connections lies in the devices' items. */
export function dynamoPresence(table: Table): PresenceStore {
	return {
		async get(device) {
			const item = await table.get({ partition: DEVICES, sort: device });
			return item === null ? null : { presence: toPresence(item) };
		},
		replace(device, known, { online, session, atMs }) {
			return table.update(
				{ partition: DEVICES, sort: device },
				"SET #on = :online, lastSeenMs = :at, presenceSession = :session, presenceMs = :at, presenceOnline = :online",
				{
					expression:
						known === null
							? "attribute_exists(p) AND attribute_not_exists(presenceMs)"
							: "presenceSession = :knownSession AND presenceMs = :knownAt AND presenceOnline = :knownOnline",
					names: { "#on": "online" },
					values: {
						":online": { BOOL: online },
						":at": { N: String(atMs) },
						":session": { N: String(session) },
						...(known === null
							? {}
							: {
									":knownSession": { N: String(known.session) },
									":knownAt": { N: String(known.atMs) },
									":knownOnline": { BOOL: known.online },
								}),
					},
				},
			);
		},
	};
}

function toPresence(item: Item): Presence | null {
	if (item.presenceMs === undefined) return null;
	return {
		online: item.presenceOnline?.BOOL === true,
		session: number(item, "presenceSession"),
		atMs: number(item, "presenceMs"),
	};
}

/** Devices whose keys are in a range, each with its channels. */
async function read(
	table: Table,
	from: string,
	to: string,
): Promise<readonly Device[]> {
	const devices: Device[] = [];
	for await (const page of table.query({ partition: DEVICES, from, to })) {
		for (const item of page) {
			const { sort } = keyOf(item);
			if (!sort.endsWith(CHANNELS)) devices.push(toDevice(item));
			else {
				const last = devices.at(-1);
				if (last === undefined || last.name + CHANNELS !== sort) continue;
				devices.push({
					...last,
					channels: json<readonly Channel[]>(item, "channels"),
				});
				devices.splice(-2, 1);
			}
		}
	}
	return devices;
}

function toDevice(item: Item): Device {
	return {
		name: keyOf(item).sort,
		createdMs: number(item, "createdMs"),
		online: item.online?.BOOL === true,
		lastSeenMs:
			item.lastSeenMs === undefined ? null : number(item, "lastSeenMs"),
		boot: item.boot === undefined ? null : json<DeviceBoot>(item, "boot"),
		channels: [],
		configRefused:
			item.configRefused === undefined ? null : text(item, "configRefused"),
	};
}

interface Assignment {
	readonly name: string;
	/** Null takes the attribute away. */
	readonly value: { S: string } | { N: string } | { BOOL: boolean } | null;
}

function setsOf(update: Omit<DeviceUpdate, "channels">): Assignment[] {
	const { online, lastSeenMs, boot, configRefused } = update;
	const sets: Assignment[] = [];
	if (online !== undefined) {
		sets.push({ name: "online", value: { BOOL: online } });
	}
	if (lastSeenMs !== undefined) {
		sets.push({ name: "lastSeenMs", value: { N: String(lastSeenMs) } });
	}
	if (boot !== undefined) {
		sets.push({ name: "boot", value: { S: JSON.stringify(boot) } });
	}
	if (configRefused !== undefined) {
		sets.push({
			name: "configRefused",
			value: configRefused === null ? null : { S: configRefused },
		});
	}
	return sets;
}

/** @returns false when there is no such device */
async function set(
	table: Table,
	name: string,
	sets: readonly Assignment[],
): Promise<boolean> {
	const key = { partition: DEVICES, sort: name };
	if (sets.length === 0) return (await table.get(key)) !== null;
	const assigned = sets.filter(({ value }) => value !== null);
	const removed = sets.filter(({ value }) => value === null);
	const place = (one: Assignment): number => sets.indexOf(one);
	const parts = [
		assigned.length === 0
			? ""
			: `SET ${assigned.map((one) => `#n${place(one)} = :v${place(one)}`).join(", ")}`,
		removed.length === 0
			? ""
			: `REMOVE ${removed.map((one) => `#n${place(one)}`).join(", ")}`,
	];
	return table.update(key, parts.join(" ").trim(), {
		expression: "attribute_exists(p)",
		names: Object.fromEntries(sets.map(({ name }, i) => [`#n${i}`, name])),
		...(assigned.length === 0
			? {}
			: {
					values: Object.fromEntries(
						sets.flatMap(({ value }, i) =>
							value === null ? [] : [[`:v${i}`, value]],
						),
					),
				}),
	});
}
