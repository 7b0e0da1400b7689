/** Why a rehearsal cannot go on, or what it has found wrong. */

export type RehearsalErrorCode =
	/** There is no synthesized template, or its bundles are not where it says. */
	| "not_synthesized"
	/** Something that the rehearsal runs is not on this machine. */
	| "not_installed"
	/** The template says something that the rehearsal cannot read. */
	| "unreadable_template"
	/** The template connects something to nothing, or to what is not allowed to be called. */
	| "bad_wiring"
	/** Something did what it must not, or did not what it must. */
	| "failed";

export class RehearsalError extends Error {
	override readonly name = "RehearsalError";
	readonly code: RehearsalErrorCode;

	constructor(
		code: RehearsalErrorCode,
		message: string,
		options?: ErrorOptions,
	) {
		super(message, options);
		this.code = code;
	}
}
