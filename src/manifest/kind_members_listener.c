/* The members of a listener and of its target groups, see kind_members_table.h. */
#include "manifest/kind_members_table.h"

/* clang-format off */
static const struct kind_member matcher[] = {
    LIKEWISE("HttpCode"), LIKEWISE("GrpcCode"),
    END};

static const struct kind_member attribute[] = {
    LIKEWISE("Key"), LIKEWISE("Value"),
    END};

const struct kind_member kind_members_target_group[] = {
    META("$schema"), META("kind"), META("davit"), META_INSIDE("Tags", kind_members_aws_tag),
    LIKEWISE("Name"), LIKEWISE("Protocol"), LIKEWISE("ProtocolVersion"), LIKEWISE("Port"),
    LIKEWISE("VpcId"), LIKEWISE("TargetType"), LIKEWISE("IpAddressType"), LIKEWISE("HealthCheckEnabled"),
    LIKEWISE("HealthCheckProtocol"), LIKEWISE("HealthCheckPort"), LIKEWISE("HealthCheckPath"),
    LIKEWISE("HealthCheckIntervalSeconds"), LIKEWISE("HealthCheckTimeoutSeconds"),
    LIKEWISE("HealthyThresholdCount"), LIKEWISE("UnhealthyThresholdCount"),
    LIKEWISE_INSIDE("Matcher", matcher), LIKEWISE("TargetControlPort"),
    LIKEWISE_INSIDE("Attributes", attribute), LIKEWISE("TargetGroupName"),
    OUTPUT("TargetGroupArn"), OUTPUT("LoadBalancerArns"),
    END};

static const struct kind_member certificate[] = {
    LIKEWISE("CertificateArn"), LIKEWISE("IsDefault"),
    END};

static const struct kind_member target_group_tuple[] = {
    LIKEWISE("TargetGroupArn"), LIKEWISE("Weight"),
    END};

static const struct kind_member target_group_stickiness_config[] = {
    LIKEWISE("Enabled"), LIKEWISE("DurationSeconds"),
    END};

static const struct kind_member forward_config[] = {
    LIKEWISE_INSIDE("TargetGroups", target_group_tuple),
    LIKEWISE_INSIDE("TargetGroupStickinessConfig", target_group_stickiness_config),
    END};

static const struct kind_member redirect_config[] = {
    LIKEWISE("Protocol"), LIKEWISE("Port"), LIKEWISE("Host"), LIKEWISE("Path"), LIKEWISE("Query"),
    LIKEWISE("StatusCode"),
    END};

static const struct kind_member fixed_response_config[] = {
    LIKEWISE("MessageBody"), LIKEWISE("StatusCode"), LIKEWISE("ContentType"),
    END};

static const struct kind_member authenticate_oidc_config[] = {
    LIKEWISE("Issuer"), LIKEWISE("AuthorizationEndpoint"), LIKEWISE("TokenEndpoint"),
    LIKEWISE("UserInfoEndpoint"), LIKEWISE("ClientId"), LIKEWISE("ClientSecret"),
    LIKEWISE("UseExistingClientSecret"), LIKEWISE("SessionCookieName"), LIKEWISE("Scope"),
    LIKEWISE("SessionTimeout"), LIKEWISE("AuthenticationRequestExtraParams"),
    LIKEWISE("OnUnauthenticatedRequest"),
    END};

static const struct kind_member authenticate_cognito_config[] = {
    LIKEWISE("UserPoolArn"), LIKEWISE("UserPoolClientId"), LIKEWISE("UserPoolDomain"),
    LIKEWISE("SessionCookieName"), LIKEWISE("Scope"), LIKEWISE("SessionTimeout"),
    LIKEWISE("AuthenticationRequestExtraParams"), LIKEWISE("OnUnauthenticatedRequest"),
    END};

static const struct kind_member jwt_claim[] = {
    LIKEWISE("Name"), LIKEWISE("Format"), LIKEWISE("Values"),
    END};

static const struct kind_member jwt_validation_config[] = {
    LIKEWISE("JwksEndpoint"), LIKEWISE("Issuer"), LIKEWISE_INSIDE("AdditionalClaims", jwt_claim),
    END};

static const struct kind_member action[] = {
    LIKEWISE("Type"), LIKEWISE("Order"), LIKEWISE("TargetGroupArn"),
    LIKEWISE_INSIDE("ForwardConfig", forward_config), LIKEWISE_INSIDE("RedirectConfig", redirect_config),
    LIKEWISE_INSIDE("FixedResponseConfig", fixed_response_config),
    LIKEWISE_INSIDE("AuthenticateOidcConfig", authenticate_oidc_config),
    LIKEWISE_INSIDE("AuthenticateCognitoConfig", authenticate_cognito_config),
    LIKEWISE_INSIDE("JwtValidationConfig", jwt_validation_config),
    END};

static const struct kind_member mutual_authentication[] = {
    LIKEWISE("Mode"), LIKEWISE("TrustStoreArn"), LIKEWISE("IgnoreClientCertificateExpiry"),
    LIKEWISE("TrustStoreAssociationStatus"), LIKEWISE("AdvertiseTrustStoreCaNames"),
    END};

const struct kind_member kind_members_listener[] = {
    META("$schema"), META("kind"), META("davit"), META_INSIDE("Tags", kind_members_aws_tag),
    LIKEWISE("LoadBalancerArn"), LIKEWISE("Protocol"), LIKEWISE("Port"), LIKEWISE("SslPolicy"),
    LIKEWISE_INSIDE("Certificates", certificate), LIKEWISE("AlpnPolicy"),
    LIKEWISE_INSIDE("DefaultActions", action),
    LIKEWISE_INSIDE("MutualAuthentication", mutual_authentication),
    OUTPUT("ListenerArn"),
    END};
/* clang-format on */
