/**
 * Why a shadow's request is rejected, in the codes and words of AWS IoT:
 * https://docs.aws.amazon.com/iot/latest/developerguide/device-shadow-error-messages.html
 */
import { CoreError } from "../errors.ts";

/** As a status of HTTP. 401 and 403 are AWS's alone: here, the broker lets nobody ask who may not. */
export type ShadowErrorCode =
	| 400
	| 401
	| 403
	| 404
	| 409
	| 413
	| 415
	| 429
	| 500;

export class ShadowError extends CoreError {
	override readonly name = "ShadowError";
	readonly status: ShadowErrorCode;

	constructor(status: ShadowErrorCode, message: string) {
		super("shadow_rejected", message);
		this.status = status;
	}
}
