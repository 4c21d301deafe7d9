/** An error with a status, which is told to the client. */
export class ApiError extends Error {
  constructor(status, field, message) {
    super(message);
    this.status = status;
    this.field = field;
  }
}

/** Throws a 422 for the first member that is missing or blank. */
export function required(object, ...fields) {
  for (const field of fields) {
    if (typeof object?.[field] !== "string" || object[field].trim() === "") {
      throw new ApiError(422, field, "can't be blank");
    }
  }
}

/** Throws a 409 if a write has violated a unique index, and the error otherwise. */
export function taken(error) {
  if (error.code === "P2002") {
    const text = JSON.stringify(error.meta ?? {});
    const field = ["username", "email", "slug"].find((name) => text.includes(name)) ?? "body";
    throw new ApiError(409, field, "has already been taken");
  }
  throw error;
}
