import { CommandError } from "./errors.ts";

/** The API refuses: `problem` is the name that ends the problem's type, "unknown_device". */
export class ApiProblem extends CommandError {
	override readonly name = "ApiProblem";
	readonly problem: string;

	constructor(problem: string, message: string) {
		super(message);
		this.problem = problem;
	}
}
