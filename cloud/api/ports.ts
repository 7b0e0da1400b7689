/** What the HTTP API needs of the cloud: the core's own classes, as far as the API calls them. */
import type { Access } from "../core/access.ts";
import type { Alerts } from "../core/alerts/alerts.ts";
import type { PushSubscriptions } from "../core/alerts/push-subscriptions.ts";
import type { ClaimStore } from "../core/claims.ts";
import type { DeviceRemoval } from "../core/device-removal.ts";
import type { Devices } from "../core/devices.ts";
import type { DeviceJobs, JobControl } from "../core/jobs/ports.ts";
import type { LiveHub } from "../core/live-hub.ts";
import type { LogStore } from "../core/node-logs.ts";
import type { Clock, DeadLetterStore } from "../core/ports.ts";
import type { Queries } from "../core/queries.ts";
import type { DeadLetterQueue, Redrive } from "../core/redrive.ts";
import type { FirmwareUploads } from "../core/releases/ports.ts";
import type { Releases } from "../core/releases/releases.ts";
import type { ShadowRegistry } from "../core/shadows/ports.ts";
import type { Authenticator } from "./authenticator.ts";

export type DeviceSource = Pick<Devices, "list" | "get">;
export type QuerySource = Pick<Queries, "blocks" | "readings" | "aggregate">;
export type LiveSource = Pick<LiveHub, "subscribe" | "recent">;

export type AlertSource = Pick<
	Alerts,
	"states" | "events" | "test" | "targetKinds"
> & { readonly rules: Pick<Alerts["rules"], keyof Alerts["rules"]> };
export type PushSource = Pick<
	PushSubscriptions,
	"webKey" | "list" | "subscribe" | "unsubscribe"
>;

export interface Tagger {
	/** Gives a device tags, in place of those that it had. @throws UnknownDevice, StoreError */
	tag(name: string, tags: Readonly<Record<string, string>>): Promise<void>;
}

export interface ApiDeps {
	readonly devices: DeviceSource;
	readonly removal: Pick<DeviceRemoval, "remove">;
	readonly queries: QuerySource;
	/** Null where nothing can be streamed: who wants news then asks again. */
	readonly hub: LiveSource | null;
	readonly shadows: ShadowRegistry;
	readonly deadLetters: Pick<DeadLetterStore, "list">;
	readonly redrive: Pick<Redrive, "run">;
	/** Where there is one. */
	readonly deadLetterQueue?: DeadLetterQueue;
	/** Where nodes can become things by themselves. */
	readonly claims?: Pick<ClaimStore, "allow" | "list" | "revoke">;
	readonly jobs: JobControl;
	/** The latest jobs of each device. */
	readonly deviceJobs: DeviceJobs;
	readonly tagger: Tagger;
	readonly logs: Pick<LogStore, "lines" | "crashes">;
	/** Published firmware, and how more comes here. */
	readonly releases: Pick<Releases, keyof Releases>;
	readonly uploads: Pick<FirmwareUploads, "receive">;
	readonly alerts: AlertSource;
	readonly push: PushSource;
	readonly auth: Authenticator;
	readonly access: Access;
	readonly clock: Clock;
	/** Version of this software, for people and bug reports. */
	readonly version: string;
	/** How old what is known of when a device was last heard may be though it sends, ms; 0 unless told. */
	readonly seenEveryMs?: number;
	/** Called with an error that was not foreseen, before 500 is answered. */
	readonly onError?: (error: Error) => void;
	/** How often a silent live stream says that it is alive, ms; 15 s unless told. */
	readonly heartbeatMs?: number;
	/** How many bytes may wait for a client of the live stream that does not keep up; 1 MiB unless told. */
	readonly liveBufferBytes?: number;
}
