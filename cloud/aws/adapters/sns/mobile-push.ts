/** Sends to telephones: SNS mobile push, by the platform application that the subscription names. */
import {
	CreatePlatformEndpointCommand,
	DeleteEndpointCommand,
	type MessageAttributeValue,
	PublishCommand,
	SetEndpointAttributesCommand,
} from "@aws-sdk/client-sns";
import { DELIVERED, failed } from "../../../core/alerts/outcomes.ts";
import type { PushSubscription } from "../../../core/alerts/ports.ts";
import type {
	PushMessage,
	PushOutcome,
	PushSender,
} from "../../../core/alerts/push-notifier.ts";
import type { SnsOptions } from "./email.ts";
import { isSnsError, snsOutcome } from "./errors.ts";

/** How long a push service keeps it for a telephone that is not there, s. */
const TTL_S = 86_400;

export interface SnsPushOptions extends SnsOptions {
	/** ARN of the platform application by the platform that subscriptions name: "apns", "fcm". */
	readonly applications: Readonly<Record<string, string>>;
}

export class SnsPushSender implements PushSender {
	readonly type = "mobile";
	readonly #options: SnsPushOptions;

	constructor(options: SnsPushOptions) {
		this.#options = options;
	}

	async send(
		channel: PushSubscription["channel"],
		message: PushMessage,
	): Promise<PushOutcome> {
		if (channel.type !== "mobile") {
			return failed("A browser is not reached by SNS.");
		}
		const application = Object.hasOwn(
			this.#options.applications,
			channel.platform,
		)
			? this.#options.applications[channel.platform]
			: undefined;
		if (application === undefined) {
			return failed(`This cloud does not send by ${channel.platform}.`);
		}
		const abortSignal = AbortSignal.timeout(this.#options.timeoutMs);
		try {
			const endpointArn = await this.#endpoint(
				application,
				channel.token,
				abortSignal,
			);
			return await this.#publish(endpointArn, message, abortSignal);
		} catch (error) {
			if (isBadToken(error)) {
				return { result: "gone", error: "The telephone's token is not valid." };
			}
			return snsOutcome(error);
		}
	}

	/**
	 * The endpoint of a token, made where there is none; the same one where there is. One that was left with other settings,
	 * such as disabled, is enabled with this token, which the app gave last:
	 * https://docs.aws.amazon.com/sns/latest/dg/mobile-platform-endpoint.html
	 */
	async #endpoint(
		application: string,
		token: string,
		abortSignal: AbortSignal,
	): Promise<string> {
		const { client } = this.#options;
		try {
			const { EndpointArn = "" } = await client.send(
				new CreatePlatformEndpointCommand({
					PlatformApplicationArn: application,
					Token: token,
				}),
				{ abortSignal },
			);
			return EndpointArn;
		} catch (error) {
			const existing = existingEndpoint(error);
			if (existing === null) throw error;
			await client.send(
				new SetEndpointAttributesCommand({
					EndpointArn: existing,
					Attributes: { Token: token, Enabled: "true" },
				}),
				{ abortSignal },
			);
			return existing;
		}
	}

	/**
	 * SNS disables an endpoint when the platform says that its token is no longer good. The app that is still there
	 * registers again with a new one: both endpoint and subscription go.
	 */
	async #publish(
		endpointArn: string,
		message: PushMessage,
		abortSignal: AbortSignal,
	): Promise<PushOutcome> {
		const { client } = this.#options;
		try {
			await client.send(
				new PublishCommand({
					TargetArn: endpointArn,
					MessageStructure: "json",
					Message: platformMessage(endpointArn, message),
					MessageAttributes: platformAttributes(endpointArn, message),
				}),
				{ abortSignal },
			);
			return DELIVERED;
		} catch (error) {
			if (!isSnsError(error, "EndpointDisabledException")) throw error;
			await client.send(
				new DeleteEndpointCommand({ EndpointArn: endpointArn }),
				{ abortSignal },
			);
			return {
				result: "gone",
				error: "The telephone does not take messages any more.",
			};
		}
	}
}

/** "Invalid parameter: Token Reason: Endpoint ARN already exists with the same Token, but different attributes." */
function existingEndpoint(error: unknown): string | null {
	if (!isSnsError(error, "InvalidParameterException")) return null;
	const match =
		/Endpoint (arn:aws\S+) already exists with the same token/i.exec(
			(error as Error).message,
		);
	return match?.[1] ?? null;
}

/** "Invalid parameter: Token Reason: iOS device tokens must be no more than 400 hexadecimal characters" */
function isBadToken(error: unknown): boolean {
	return (
		isSnsError(error, "InvalidParameterException") &&
		/Invalid parameter: Token\b/.test((error as Error).message)
	);
}

/** "APNS", "APNS_SANDBOX", "GCM": of `arn:aws:sns:REGION:ACCOUNT:endpoint/PLATFORM/APPLICATION/ID`. */
function platformOf(endpointArn: string): string {
	return endpointArn.split("/")[1] ?? "";
}

function isApple(platform: string): boolean {
	return platform === "APNS" || platform === "APNS_SANDBOX";
}

/** https://docs.aws.amazon.com/sns/latest/dg/sns-send-custom-platform-specific-payloads-mobile-devices.html */
function platformMessage(endpointArn: string, message: PushMessage): string {
	const platform = platformOf(endpointArn);
	const payload = isApple(platform)
		? applePayload(message)
		: googlePayload(message);
	return JSON.stringify({
		default: message.body,
		[platform]: JSON.stringify(payload),
	});
}

function applePayload(message: PushMessage): object {
	return {
		aps: {
			alert: { title: message.title, body: message.body },
			sound: "default",
			"thread-id": message.tag,
		},
		...dataOf(message),
	};
}

/** FCM HTTP v1: data are texts only. */
function googlePayload(message: PushMessage): object {
	return {
		fcmV1Message: {
			message: {
				notification: { title: message.title, body: message.body },
				data: dataOf(message),
				android: {
					priority: "high",
					collapse_key: message.tag,
					notification: { tag: message.tag },
				},
			},
		},
	};
}

function dataOf(message: PushMessage): Readonly<Record<string, string>> {
	const { id, tag, device, status, at, link } = message;
	return { id, tag, device, status, at, ...(link === null ? {} : { link }) };
}

/** https://docs.aws.amazon.com/sns/latest/dg/sns-message-attributes.html, "Reserved message attributes for mobile push" */
function platformAttributes(
	endpointArn: string,
	message: PushMessage,
): Record<string, MessageAttributeValue> {
	const platform = platformOf(endpointArn);
	const name = platform === "GCM" ? "FCM" : platform;
	const texts: Record<string, string> = {
		[`AWS.SNS.MOBILE.${name}.TTL`]: String(TTL_S),
		...(isApple(platform)
			? {
					"AWS.SNS.MOBILE.APNS.COLLAPSE_ID": message.tag,
					"AWS.SNS.MOBILE.APNS.PRIORITY": "10",
					"AWS.SNS.MOBILE.APNS.PUSH_TYPE": "alert",
				}
			: {}),
	};
	return Object.fromEntries(
		Object.entries(texts).map(([key, text]) => [
			key,
			{ DataType: "String", StringValue: text },
		]),
	);
}
