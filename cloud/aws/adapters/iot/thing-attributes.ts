/**
 * What AWS IoT's registry has of a device beside its tags: board and firmware, as the last boot that was heard of has them, so that the
 * index of things knows them and jobs find devices by them. https://docs.aws.amazon.com/iot/latest/apireference/API_UpdateThing.html
 */
import { type IoTClient, UpdateThingCommand } from "@aws-sdk/client-iot";
import { StoreError } from "../../../core/ports.ts";

/** A text in whose order versions are: the index compares attributes as texts. No tag may have this name. */
export const FIRMWARE_ORDER = "firmwareOrder";

/** AWS IoT's limits of things: the value of an attribute. */
const MAX_VALUE_CHARS = 800;
const PARTS = 3;
const PART_DIGITS = 6;

/** Has no effect on what is no thing of the registry. @throws StoreError */
export async function noteFirmware(
	client: Pick<IoTClient, "send">,
	thing: string,
	{ board, firmware }: { readonly board: string; readonly firmware: string },
): Promise<"noted" | "ignored"> {
	const attributes = {
		board: attributeValue(board),
		firmware: attributeValue(firmware),
		// "To remove an attribute, call UpdateThing with an empty attribute value."
		[FIRMWARE_ORDER]: versionOrder(firmware) ?? "",
	};
	try {
		await client.send(
			new UpdateThingCommand({
				thingName: thing,
				attributePayload: { attributes, merge: true },
			}),
		);
		return "noted";
	} catch (error) {
		const { name, message } = error as Error;
		if (name === "ResourceNotFoundException") return "ignored";
		throw new StoreError(
			name === "ThrottlingException" ? "throttled" : "unavailable",
			`AWS IoT did not take down the thing's firmware: ${name}: ${message}`,
			{ cause: error },
		);
	}
}

/** As an attribute can have it: "[a-zA-Z0-9_.,@/:#=\[\]-]*", and here none of what a query cannot ask for. */
export function attributeValue(text: string): string {
	return text.replaceAll(/[^A-Za-z0-9_.:-]/g, "_").slice(0, MAX_VALUE_CHARS);
}

/**
 * As `compareVersions` orders them, but for two versions before the same one (1.2.0-a, 1.2.0-b), which are the same here.
 * @returns null where it is not of at most three numbers below a million
 */
export function versionOrder(version: string): string | null {
	const [, core = "", before] =
		/^(\d+(?:\.\d+)*)(-[^+]*)?(?:\+.*)?$/.exec(version) ?? [];
	const parts = core === "" ? [] : core.split(".");
	if (parts.length === 0 || parts.length > PARTS) return null;
	const numbers = Array.from({ length: PARTS }, (_, at) =>
		String(Number(parts[at] ?? "0")).padStart(PART_DIGITS, "0"),
	);
	if (numbers.some(({ length }) => length > PART_DIGITS)) return null;
	// With a letter in front, or the index might take it for a number, which it would round.
	return `v${numbers.join("")}${before === undefined ? 1 : 0}`;
}
