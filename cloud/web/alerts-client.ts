/** Alerts as the API gives and takes them. */
import { getJson, request } from "./client.ts";

export type AlertStatus = "pending" | "firing" | "resolved";

/** Where a rule stands for a device. */
export interface AlertInfo {
	/** The rule's id. */
	readonly rule: string;
	/** The rule's name. */
	readonly name: string;
	readonly device: string;
	readonly status: AlertStatus;
	/** ISO-8601 */
	readonly since: string;
	readonly value: number | null;
	readonly unit: string | null;
	/** The condition for people. */
	readonly summary: string;
}

export type AlertTarget =
	| { readonly type: "email"; readonly address: string }
	| { readonly type: "webhook"; readonly url: string }
	| { readonly type: "push"; readonly subject?: string };

export type AlertCondition =
	| {
			readonly type: "threshold";
			readonly channel: string;
			readonly direction: "above" | "below";
			readonly limit: number;
			readonly hysteresis: number;
			readonly forMs: number;
	  }
	| {
			readonly type: "no_data";
			readonly channel: string | null;
			readonly forMs: number;
	  }
	| { readonly type: "offline"; readonly forMs: number };

export interface RuleDraft {
	readonly name: string;
	/** Null: each device. */
	readonly device: string | null;
	readonly condition: AlertCondition;
	readonly notify: readonly AlertTarget[];
}

export interface RuleInfo extends RuleDraft {
	readonly id: string;
	readonly summary: string;
	readonly enabled: boolean;
}

export interface DeliveryInfo {
	readonly target: AlertTarget;
	readonly status: "pending" | "delivered" | "failed";
	readonly error: string | null;
}

export interface AlertEventInfo {
	readonly id: string;
	readonly name: string;
	readonly device: string;
	readonly status: "firing" | "resolved";
	/** ISO-8601 */
	readonly at: string;
	readonly text: string;
	/** Null for those who may not see it. */
	readonly deliveries: readonly DeliveryInfo[] | null;
}

export interface TestResult {
	readonly target: AlertTarget;
	readonly result: "delivered" | "retry" | "failed";
	readonly error: string | null;
}

export interface RuleList {
	readonly rules: readonly RuleInfo[];
	/** What the cloud can tell. */
	readonly tells: readonly AlertTarget["type"][];
}

const RULES = "/v1/alerts/rules";

export async function listAlerts(
	device: string | null,
	signal: AbortSignal,
): Promise<readonly AlertInfo[]> {
	const query = device === null ? "" : `?device=${encodeURIComponent(device)}`;
	const { alerts } = await getJson<{ alerts: AlertInfo[] }>(
		`/v1/alerts${query}`,
		signal,
	);
	return alerts;
}

export async function listRules(signal: AbortSignal): Promise<RuleList> {
	return getJson<RuleList>(RULES, signal);
}

export function createRule(draft: RuleDraft): Promise<Response> {
	return send("POST", RULES, draft);
}

export async function removeRule(id: string): Promise<void> {
	await request(`${RULES}/${id}`, { method: "DELETE" });
}

export async function testRule(id: string): Promise<readonly TestResult[]> {
	const response = await send("POST", `${RULES}/${id}/test`, {});
	const { results } = (await response.json()) as { results: TestResult[] };
	return results;
}

/** Newest first. @param cursor `next` of the page before */
export function listEvents(
	limit: number,
	cursor: string | null,
	signal: AbortSignal,
): Promise<{
	readonly events: readonly AlertEventInfo[];
	readonly next: string | null;
}> {
	const query = new URLSearchParams({ limit: String(limit) });
	if (cursor !== null) query.set("cursor", cursor);
	return getJson(`/v1/alerts/events?${query}`, signal);
}

function send(method: string, path: string, body: object): Promise<Response> {
	return request(path, {
		method,
		headers: { "Content-Type": "application/json" },
		body: JSON.stringify(body),
	});
}
