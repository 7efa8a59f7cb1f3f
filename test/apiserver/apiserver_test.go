package apiserver_test

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"sluice.dev/sluice/test/apiserver"
)

func client(t *testing.T, config *rest.Config) *kubernetes.Clientset {
	t.Helper()
	c, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestStart(t *testing.T) {
	config := apiserver.Start(t)
	c := client(t, config)

	t.Run("the server is Kubernetes 1.37", func(t *testing.T) {
		v, err := c.Discovery().ServerVersion()
		if err != nil {
			t.Fatal(err)
		}
		if got := v.Major + "." + v.Minor; got != "1.37" {
			t.Errorf("server version %s, want 1.37", got)
		}
	})
	t.Run("a pod is accepted and validated but not run", func(t *testing.T) {
		ns := apiserver.Namespace(t, config)
		pod := &corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{Name: "web"},
			Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "main", Image: "local/web:1"}}},
		}
		created, err := c.CoreV1().Pods(ns).Create(t.Context(), pod, metav1.CreateOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if created.Status.Phase != corev1.PodPending {
			t.Errorf("phase %q, want Pending", created.Status.Phase)
		}
		pod.Spec.Containers = nil
		pod.Name = "empty"
		if _, err := c.CoreV1().Pods(ns).Create(t.Context(), pod, metav1.CreateOptions{}); !apierrors.IsInvalid(err) {
			t.Errorf("a pod without containers: got %v, want Invalid", err)
		}
	})
	t.Run("it is still there after a garbage collection", func(t *testing.T) {
		runtime.GC() // closes files nobody refers to, the server's lifeline among them
		runtime.GC()
		time.Sleep(200 * time.Millisecond)
		if _, err := c.Discovery().ServerVersion(); err != nil {
			t.Error(err)
		}
	})
	t.Run("a second call gives access to the same server", func(t *testing.T) {
		if again := apiserver.Start(t); again.Host != config.Host {
			t.Errorf("second server %s, first %s", again.Host, config.Host)
		}
	})
	t.Run("namespaces differ from call to call", func(t *testing.T) {
		if a, b := apiserver.Namespace(t, config), apiserver.Namespace(t, config); a == b {
			t.Errorf("both namespaces are called %s", a)
		}
	})
}

func TestAsHasOnlyWhatRBACGives(t *testing.T) {
	config := apiserver.Start(t)
	ns := apiserver.Namespace(t, config)
	admin, jane := client(t, config), client(t, apiserver.As(config, "jane", "developers"))

	if _, err := jane.CoreV1().Pods(ns).List(t.Context(), metav1.ListOptions{}); !apierrors.IsForbidden(err) {
		t.Fatalf("without a binding: got %v, want Forbidden", err)
	}
	role := &rbacv1.Role{
		ObjectMeta: metav1.ObjectMeta{Name: "watchers"},
		Rules:      []rbacv1.PolicyRule{{APIGroups: []string{""}, Resources: []string{"pods"}, Verbs: []string{"list"}}},
	}
	if _, err := admin.RbacV1().Roles(ns).Create(t.Context(), role, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	binding := &rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: "developers"},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: "watchers"},
		Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.GroupKind, Name: "developers"}},
	}
	if _, err := admin.RbacV1().RoleBindings(ns).Create(t.Context(), binding, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the binding to count", func() error {
		_, err := jane.CoreV1().Pods(ns).List(t.Context(), metav1.ListOptions{})
		return err
	})
	if _, err := jane.CoreV1().Secrets(ns).List(t.Context(), metav1.ListOptions{}); !apierrors.IsForbidden(err) {
		t.Errorf("secrets, which the role does not name: got %v, want Forbidden", err)
	}
	if config.Impersonate.UserName != "" {
		t.Errorf("As changed the configuration it was given: it impersonates %s", config.Impersonate.UserName)
	}
}

// TestServerEndsWithItsProcess runs this test program again, as the process that
// is killed.
func TestServerEndsWithItsProcess(t *testing.T) {
	if os.Getenv("APISERVER_TEST_VICTIM") != "" {
		fmt.Println("serving", strings.TrimPrefix(apiserver.Start(t).Host, "https://"))
		time.Sleep(time.Minute)
		return
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	victim := exec.CommandContext(ctx, os.Args[0], "-test.run=^TestServerEndsWithItsProcess$", "-test.v")
	victim.Env = append(os.Environ(), "APISERVER_TEST_VICTIM=1")
	out, err := victim.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := victim.Start(); err != nil {
		t.Fatal(err)
	}
	var address string
	for lines := bufio.NewScanner(out); address == "" && lines.Scan(); {
		if _, a, ok := strings.Cut(lines.Text(), "serving "); ok {
			address = a
		}
	}
	if address == "" {
		t.Fatalf("the process started no server: %v", victim.Wait())
	}
	if conn, err := net.Dial("tcp", address); err != nil {
		t.Fatalf("the server does not serve: %v", err)
	} else if err := conn.Close(); err != nil {
		t.Fatal(err)
	}
	if err := victim.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = victim.Wait() // killed, as intended
	eventually(t, "the server to end", func() error {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			return nil
		}
		return fmt.Errorf("%s still accepts connections (%v)", address, conn.Close())
	})
}

func eventually(t *testing.T, what string, f func() error) {
	t.Helper()
	var err error
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if err = f(); err == nil {
			return
		}
	}
	t.Errorf("waiting for %s: %v", what, err)
}
