/** Rules, states and events of alerts as documents. */
import { z } from "@hono/zod-openapi";
import { isThingName } from "../../protocol/topics.ts";
import { isEmailAddress } from "../core/alerts/email-address.ts";
import { oneLine } from "../core/alerts/message-text.ts";
import type {
	AlertEvent,
	AlertRule,
	AlertState,
	NotificationTarget,
} from "../core/alerts/ports.ts";
import {
	MAX_FOR_MS,
	MAX_TARGETS,
	MIN_SILENCE_MS,
} from "../core/alerts/rules.ts";
import { conditionText } from "../core/alerts/sentences.ts";
import { webhookUrlProblem } from "../core/alerts/webhook.ts";
import { ChannelQuery, nullableIsoTime, TimeSchema } from "./schemas.ts";
import { isoTime } from "./time.ts";

const MAX_NAME = 100;
const MAX_URL = 2_000;
/** Beyond all that a channel can say: raw values have 32 bits, exponents go to 9. */
const MAX_LIMIT = 1e19;

const quantity = z.number().min(-MAX_LIMIT).max(MAX_LIMIT);

const silenceMs = z.int().min(MIN_SILENCE_MS).max(MAX_FOR_MS);

const ConditionSchema = z
	.discriminatedUnion("type", [
		z.strictObject({
			type: z.literal("threshold"),
			channel: ChannelQuery,
			direction: z.enum(["above", "below"]),
			limit: quantity.openapi({ description: "In the channel's unit." }),
			hysteresis: z.number().min(0).max(MAX_LIMIT).default(0).openapi({
				description:
					"How far back over the limit a value has to come before it counts as well again.",
			}),
			forMs: z.int().min(0).max(MAX_FOR_MS).default(0).openapi({
				description: "How long it has to hold before the alert fires, ms.",
			}),
		}),
		z.strictObject({
			type: z.literal("no_data"),
			channel: ChannelQuery.nullable().default(null).openapi({
				description: "Null: no reading of any channel.",
			}),
			forMs: silenceMs,
		}),
		z.strictObject({ type: z.literal("offline"), forMs: silenceMs }),
	])
	.openapi("AlertCondition");

const TargetSchema = z
	.discriminatedUnion("type", [
		z.strictObject({
			type: z.literal("email"),
			address: z
				.string()
				.refine(isEmailAddress, "must be an address, as somebody@example.org"),
		}),
		z.strictObject({
			type: z.literal("webhook"),
			url: z
				.string()
				.max(MAX_URL)
				.refine(
					isHttpAddress,
					"must be an http or https address, without a password",
				),
		}),
		z.strictObject({
			type: z.literal("push"),
			subject: z.string().min(1).max(200).openapi({
				description:
					"Whose browsers and telephones; the caller's where it is absent.",
			}),
		}),
	])
	.openapi("AlertTarget");

/** In a request the subject may be absent. */
const TargetDraftSchema = z.discriminatedUnion("type", [
	TargetSchema.options[0],
	TargetSchema.options[1],
	TargetSchema.options[2].partial({ subject: true }),
]);

export const RuleDraftSchema = z
	.strictObject({
		name: z
			.string()
			.min(1)
			.max(MAX_NAME)
			.refine(
				(name) => oneLine(name) === name,
				"must be one line, without spaces around it",
			)
			.openapi({ example: "Freezer too warm" }),
		device: z
			.string()
			.refine(isThingName, "1 to 128 letters, digits, hyphens and underscores")
			.nullable()
			.openapi({ description: "Null: each device by itself." }),
		condition: ConditionSchema,
		enabled: z.boolean().default(true),
		notify: z.array(TargetDraftSchema).max(MAX_TARGETS).default([]),
	})
	.openapi("AlertRuleDraft");

export type RuleDraftDocument = z.infer<typeof RuleDraftSchema>;
export type ConditionDocument = z.infer<typeof ConditionSchema>;
export type TargetDocument = z.infer<typeof TargetSchema>;

export const RuleSchema = z
	.object({
		id: z.string(),
		name: z.string(),
		device: z.string().nullable(),
		condition: ConditionSchema,
		summary: z.string().openapi({
			description: "The condition for people, without a unit.",
			example: "temperature above -15 for 5 min",
		}),
		enabled: z.boolean(),
		notify: z.array(TargetSchema),
		owner: z.string(),
		created: TimeSchema,
		updated: TimeSchema,
	})
	.openapi("AlertRule");

export type RuleDocument = z.infer<typeof RuleSchema>;

export function ruleDocument(rule: AlertRule): RuleDocument {
	const { id, name, device, condition, enabled, notify, owner } = rule;
	return {
		id,
		name,
		device,
		condition,
		summary: conditionText(condition, ""),
		enabled,
		notify: [...notify],
		owner,
		created: isoTime(rule.createdMs),
		updated: isoTime(rule.updatedMs),
	};
}

export const StateSchema = z
	.object({
		rule: z.string().openapi({ description: "The rule's id." }),
		name: z.string().openapi({ description: "The rule's name." }),
		device: z.string(),
		status: z.enum(["pending", "firing", "resolved"]),
		since: TimeSchema,
		value: z.number().nullable().openapi({
			description: "The value that decided; null for conditions without one.",
		}),
		unit: z.string().nullable(),
		summary: z.string().openapi({ description: "The condition for people." }),
		undelivered: z.int().openapi({
			description: "Events that are still to be delivered to somebody.",
		}),
	})
	.openapi("Alert");

export type StateDocument = z.infer<typeof StateSchema>;

/** @returns null for a state that says nothing, or whose rule is gone */
export function stateDocument(
	state: AlertState,
	rule: AlertRule | undefined,
): StateDocument | null {
	const { status, unit } = state;
	if (status === "ok" || rule === undefined) return null;
	return {
		rule: rule.id,
		name: rule.name,
		device: state.device,
		status,
		since: isoTime(state.sinceMs),
		value: state.value,
		unit,
		summary: conditionText(rule.condition, unit ?? ""),
		undelivered: state.outbox.length,
	};
}

export const OutcomeSchema = z.object({
	target: TargetSchema,
	result: z.enum(["delivered", "retry", "failed"]),
	error: z.string().nullable(),
});

export type OutcomeDocument = z.infer<typeof OutcomeSchema>;

const DeliverySchema = z
	.object({
		target: TargetSchema,
		status: z.enum(["pending", "delivered", "failed"]),
		attempts: z.int(),
		nextAttempt: TimeSchema.nullable(),
		error: z.string().nullable().openapi({
			description: "Why the last attempt failed.",
		}),
	})
	.openapi("AlertDelivery");

export const EventSchema = z
	.object({
		id: z.string(),
		rule: z.string(),
		name: z.string().openapi({ description: "The rule's name at that time." }),
		device: z.string(),
		status: z.enum(["firing", "resolved"]),
		at: TimeSchema,
		value: z.number().nullable(),
		unit: z.string().nullable(),
		text: z.string().openapi({ description: "What has happened." }),
		deliveries: z.array(DeliverySchema).nullable().openapi({
			description: "Who was told; null for those who may not see that.",
		}),
	})
	.openapi("AlertEvent");

export type EventDocument = z.infer<typeof EventSchema>;

export function eventDocument(
	event: AlertEvent,
	seesDeliveries: boolean,
): EventDocument {
	const { id, device, status, value, unit, text } = event;
	return {
		id,
		rule: event.ruleId,
		name: event.ruleName,
		device,
		status,
		at: isoTime(event.atMs),
		value,
		unit,
		text,
		deliveries: seesDeliveries
			? event.deliveries.map(({ nextAttemptMs, ...delivery }) => ({
					...delivery,
					nextAttempt: nullableIsoTime(nextAttemptMs),
				}))
			: null,
	};
}

const KIND_NAMES: Readonly<Record<NotificationTarget["type"], string>> = {
	email: "e-mail",
	webhook: "webhooks",
	push: "push notifications",
};

/** What is said of a kind of target that this cloud cannot deliver to. */
export function unsupportedKind(
	kind: NotificationTarget["type"],
	kinds: readonly NotificationTarget["type"][],
): string {
	const others = kinds.map((one) => KIND_NAMES[one]).join(" and ");
	const how = kind === "email" ? " (docs/notifications.md says how)" : "";
	return `this cloud is not set up for ${KIND_NAMES[kind]}${how}; it is for ${others === "" ? "none of these" : others}`;
}

function isHttpAddress(text: string): boolean {
	return webhookUrlProblem(text) === null;
}
