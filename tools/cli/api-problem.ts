import { CommandError, WRONG_USAGE } from "./errors.ts";

/** What the API makes of what it was asked, whatever there is to be found: its words are off. RFC 9110 section 15.5.1. */
const BAD_REQUEST = 400;

/** The API refuses: `problem` is the name that ends the problem's type, "unknown_device". */
export class ApiProblem extends CommandError {
	override readonly name = "ApiProblem";
	override readonly exitCode: number;
	readonly problem: string;

	/** @param status of HTTP */
	constructor(problem: string, message: string, status: number) {
		super(message);
		this.problem = problem;
		this.exitCode = status === BAD_REQUEST ? WRONG_USAGE : 1;
	}
}
