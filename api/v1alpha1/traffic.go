package v1alpha1

import "encoding/json"

// RolloutTrafficRouting says which routers split requests between the revisions. Several may be set.
//
// +kubebuilder:validation:XValidation:rule=`!has(self.maxTrafficWeight) || has(self.nginx) || has(self.plugins)`,message="maxTrafficWeight needs nginx or plugins"
type RolloutTrafficRouting struct {
	// Istio splits with VirtualServices.
	// +optional
	Istio *IstioTrafficRouting `json:"istio,omitempty"`
	// Nginx splits with a second Ingress of ingress-nginx.
	// +optional
	Nginx *NginxTrafficRouting `json:"nginx,omitempty"`
	// ALB splits with an annotation on an Ingress of the AWS Load Balancer Controller.
	// +optional
	ALB *ALBTrafficRouting `json:"alb,omitempty"`
	// SMI splits with a TrafficSplit.
	// +optional
	SMI *SMITrafficRouting `json:"smi,omitempty"`
	// Ambassador splits with a second Mapping.
	// +optional
	Ambassador *AmbassadorTrafficRouting `json:"ambassador,omitempty"`
	// AppMesh splits with AWS App Mesh routes.
	// +optional
	AppMesh *AppMeshTrafficRouting `json:"appMesh,omitempty"`
	// Traefik splits with a weighted TraefikService.
	// +optional
	Traefik *TraefikTrafficRouting `json:"traefik,omitempty"`
	// ManagedRoutes lists the routes that setHeaderRoute and setMirrorRoute may use; the first wins.
	// +optional
	// +kubebuilder:validation:MaxItems=256
	ManagedRoutes []ManagedRoutes `json:"managedRoutes,omitempty"`
	// Apisix splits with an ApisixRoute.
	// +optional
	Apisix *ApisixTrafficRouting `json:"apisix,omitempty"`
	// Plugins maps a router plugin's name to its configuration, which is passed on as it is.
	// +optional
	// +kubebuilder:validation:Schemaless
	// +kubebuilder:pruning:PreserveUnknownFields
	// +kubebuilder:validation:Type=object
	Plugins map[string]json.RawMessage `json:"plugins,omitempty"`
	// MaxTrafficWeight is the weight that means all requests. Default 100. Only for nginx and plugins.
	// +optional
	MaxTrafficWeight *int32 `json:"maxTrafficWeight,omitempty"`
}

// ManagedRoutes is a route that steps may add and remove.
type ManagedRoutes struct {
	// Name of the route.
	Name string `json:"name"`
}

// IstioTrafficRouting splits with Istio. Exactly one of virtualService and virtualServices must be set.
//
// +kubebuilder:validation:XValidation:rule=`has(self.virtualService) != (has(self.virtualServices) && size(self.virtualServices) > 0)`,message="istio must have exactly one of virtualService and virtualServices"
type IstioTrafficRouting struct {
	// VirtualService to change.
	// +optional
	VirtualService *IstioVirtualService `json:"virtualService,omitempty"`
	// DestinationRule whose subsets follow the revisions, for a split by subset instead of by Service.
	// +optional
	DestinationRule *IstioDestinationRule `json:"destinationRule,omitempty"`
	// VirtualServices to change, all alike.
	// +optional
	// +kubebuilder:validation:MaxItems=256
	VirtualServices []IstioVirtualService `json:"virtualServices,omitempty"`
}

// IstioVirtualService names the routes of a VirtualService to change.
type IstioVirtualService struct {
	// Name of the VirtualService; "name.namespace" reaches another namespace.
	Name string `json:"name"`
	// Routes are the names of HTTP routes. Default: the only one there is.
	// +optional
	Routes []string `json:"routes,omitempty"`
	// TLSRoutes select TLS routes.
	// +optional
	TLSRoutes []TLSRoute `json:"tlsRoutes,omitempty"`
	// TCPRoutes select TCP routes.
	// +optional
	TCPRoutes []TCPRoute `json:"tcpRoutes,omitempty"`
}

// TLSRoute selects TLS routes by port or host.
type TLSRoute struct {
	// Port the route matches. Default: any.
	// +optional
	Port int64 `json:"port,omitempty"`
	// SNIHosts the route matches, all of them. Default: any.
	// +optional
	SNIHosts []string `json:"sniHosts,omitempty"`
}

// TCPRoute selects TCP routes by port.
type TCPRoute struct {
	// Port the route matches. Default: any.
	// +optional
	Port int64 `json:"port,omitempty"`
}

// IstioDestinationRule names the subsets that follow the revisions.
type IstioDestinationRule struct {
	// Name of the DestinationRule.
	Name string `json:"name"`
	// CanarySubsetName is the subset of the new revision.
	CanarySubsetName string `json:"canarySubsetName"`
	// StableSubsetName is the subset of the stable revision.
	StableSubsetName string `json:"stableSubsetName"`
	// AdditionalSubsetNames are subsets of somebody else on the same routes. Their weights stay, and come off
	// the stable share.
	// +optional
	AdditionalSubsetNames []string `json:"additionalSubsetNames,omitempty"`
}

// NginxTrafficRouting splits with ingress-nginx. Exactly one of stableIngress and stableIngresses must be set.
//
// +kubebuilder:validation:XValidation:rule=`(has(self.stableIngress) && self.stableIngress != "") != (has(self.stableIngresses) && size(self.stableIngresses) > 0)`,message="nginx must have exactly one of stableIngress and stableIngresses"
type NginxTrafficRouting struct {
	// AnnotationPrefix of the controller. Default nginx.ingress.kubernetes.io.
	// +optional
	AnnotationPrefix string `json:"annotationPrefix,omitempty"`
	// StableIngress is the Ingress that leads to stableService.
	// +optional
	StableIngress string `json:"stableIngress,omitempty"`
	// AdditionalIngressAnnotations go on the canary Ingress with the prefix added.
	// +optional
	AdditionalIngressAnnotations map[string]string `json:"additionalIngressAnnotations,omitempty"`
	// StableIngresses are the Ingresses that lead to stableService.
	// +optional
	// +kubebuilder:validation:MaxItems=256
	StableIngresses []string `json:"stableIngresses,omitempty"`
	// CanaryIngressAnnotations go on the canary Ingress as they are.
	// +optional
	CanaryIngressAnnotations map[string]string `json:"canaryIngressAnnotations,omitempty"`
}

// ALBTrafficRouting splits with the AWS Load Balancer Controller. Exactly one of ingress and ingresses must be
// set.
//
// +kubebuilder:validation:XValidation:rule=`(has(self.ingress) && self.ingress != "") != (has(self.ingresses) && size(self.ingresses) > 0)`,message="alb must have exactly one of ingress and ingresses"
type ALBTrafficRouting struct {
	// Ingress to annotate.
	// +optional
	Ingress string `json:"ingress,omitempty"`
	// ServicePort is the port of the Services that the action forwards to. Required.
	ServicePort int32 `json:"servicePort"`
	// RootService is the backend the Ingress names. Default stableService; required with pingPong.
	// +optional
	RootService string `json:"rootService,omitempty"`
	// AnnotationPrefix of the controller. Default alb.ingress.kubernetes.io.
	// +optional
	AnnotationPrefix string `json:"annotationPrefix,omitempty"`
	// StickinessConfig keeps a client on its target group.
	// +optional
	StickinessConfig *StickinessConfig `json:"stickinessConfig,omitempty"`
	// Ingresses to annotate.
	// +optional
	// +kubebuilder:validation:MaxItems=256
	Ingresses []string `json:"ingresses,omitempty"`
}

// StickinessConfig keeps a client on the target group that answered first.
type StickinessConfig struct {
	// Enabled turns stickiness on.
	Enabled bool `json:"enabled"`
	// DurationSeconds it lasts, 1 to 604800.
	DurationSeconds int64 `json:"durationSeconds"`
}

// SMITrafficRouting splits with a TrafficSplit.
type SMITrafficRouting struct {
	// RootService is what clients talk to. Default stableService.
	// +optional
	RootService string `json:"rootService,omitempty"`
	// TrafficSplitName is the object that is created. Default: the Rollout's name.
	// +optional
	TrafficSplitName string `json:"trafficSplitName,omitempty"`
}

// AmbassadorTrafficRouting splits with Ambassador.
type AmbassadorTrafficRouting struct {
	// Mappings that lead to stableService. At least one is required.
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=256
	Mappings []string `json:"mappings"`
}

// AppMeshTrafficRouting splits with AWS App Mesh.
//
// +kubebuilder:validation:XValidation:rule=`has(self.virtualService)`,message="appMesh needs virtualService"
type AppMeshTrafficRouting struct {
	// VirtualService whose router's routes are changed. Required.
	// +optional
	VirtualService *AppMeshVirtualService `json:"virtualService,omitempty"`
	// VirtualNodeGroup names the two nodes that follow the revisions.
	// +optional
	VirtualNodeGroup *AppMeshVirtualNodeGroup `json:"virtualNodeGroup,omitempty"`
}

// AppMeshVirtualService names the routes to change.
type AppMeshVirtualService struct {
	// Name of the VirtualService.
	Name string `json:"name"`
	// Routes to change. Default: the only one there is.
	// +optional
	Routes []string `json:"routes,omitempty"`
}

// AppMeshVirtualNodeGroup names the nodes of the two revisions.
type AppMeshVirtualNodeGroup struct {
	// CanaryVirtualNodeRef is the node of the new revision.
	CanaryVirtualNodeRef *AppMeshVirtualNodeReference `json:"canaryVirtualNodeRef"`
	// StableVirtualNodeRef is the node of the stable revision.
	StableVirtualNodeRef *AppMeshVirtualNodeReference `json:"stableVirtualNodeRef"`
}

// AppMeshVirtualNodeReference names a VirtualNode.
type AppMeshVirtualNodeReference struct {
	// Name of the VirtualNode.
	Name string `json:"name"`
}

// TraefikTrafficRouting splits with Traefik.
type TraefikTrafficRouting struct {
	// WeightedTraefikServiceName is the TraefikService whose weights are changed.
	WeightedTraefikServiceName string `json:"weightedTraefikServiceName"`
}

// ApisixTrafficRouting splits with Apache APISIX.
type ApisixTrafficRouting struct {
	// Route to change.
	// +optional
	Route *ApisixRoute `json:"route,omitempty"`
}

// ApisixRoute names the rules of an ApisixRoute to change.
type ApisixRoute struct {
	// Name of the ApisixRoute.
	Name string `json:"name"`
	// Rules to change. Default: the only one there is.
	// +optional
	Rules []string `json:"rules,omitempty"`
}
