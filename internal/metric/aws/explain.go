package aws

import (
	"context"
	"errors"
	"regexp"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/smithy-go"

	"sluice.dev/sluice/internal/judge"
)

// explain tells apart the reasons why there are no credentials. It never uses an error's text, which may hold account
// numbers, roles and addresses.
func explain(ctx context.Context, err error) *judge.Failure {
	var refused smithy.APIError
	var profile config.SharedConfigProfileNotExistError
	var credentials config.CredentialRequiresARNError
	var role config.SharedConfigAssumeRoleError
	var file config.SharedConfigLoadError
	switch {
	case ctx.Err() != nil:
		return &judge.Failure{Class: judge.TimedOut, Message: "sigv4: AWS credentials did not come in time"}
	case errors.As(err, &profile):
		return bad("the AWS profile does not exist in the controller's configuration")
	case errors.As(err, &credentials), errors.As(err, &role):
		return bad("the AWS profile describes its role incompletely")
	case errors.As(err, &file):
		return bad("the controller's AWS configuration file cannot be read")
	case asked(err, "STS") && !asked(err, "ec2imds") && errors.As(err, &refused):
		return refusal(refused)
	case asked(err, "STS") && !asked(err, "ec2imds"):
		return &judge.Failure{Class: judge.Unreachable, Message: "sigv4: AWS STS could not be reached to assume the role"}
	default:
		return &judge.Failure{
			Class: judge.NoCredentials,
			Message: "sigv4: no AWS credentials found: give the controller's service account an IAM role (IRSA or Pod Identity), " +
				"or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
		}
	}
}

func bad(message string) *judge.Failure {
	return &judge.Failure{Class: judge.BadConfig, Message: "sigv4: " + message}
}

// asked reports whether the AWS service was asked on the way to the error. The chain may hold several: assuming a role
// asks STS, which needs credentials, which asks the instance's metadata service.
func asked(err error, service string) bool {
	for err != nil {
		var operation *smithy.OperationError
		if !errors.As(err, &operation) {
			return false
		}
		if operation.Service() == service {
			return true
		}
		err = operation.Unwrap()
	}
	return false
}

var code = regexp.MustCompile(`^[A-Za-z.]{1,64}$`)

func refusal(err smithy.APIError) *judge.Failure {
	class, text := judge.Unauthorized, "sigv4: AWS STS refused to let the controller assume the role"
	switch {
	case err.ErrorCode() == "Throttling" || err.ErrorCode() == "ThrottlingException":
		class, text = judge.Throttled, "sigv4: AWS STS is throttling"
	case err.ErrorFault() == smithy.FaultServer:
		class, text = judge.ServerError, "sigv4: AWS STS failed"
	}
	if code.MatchString(err.ErrorCode()) {
		text += " (" + err.ErrorCode() + ")"
	}
	return &judge.Failure{Class: class, Message: text}
}
