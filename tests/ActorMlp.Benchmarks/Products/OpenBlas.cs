using System.Runtime.InteropServices;
using ActorMlp.Engine.Numerics;

namespace ActorMlp.Benchmarks.Products;

/// <summary>OpenBLAS's sgemm, where Debian's package libopenblas0 is installed.</summary>
internal static unsafe partial class OpenBlas
{
    private const string Library = "libopenblas.so.0";
    private const int RowMajor = 101;
    private const int AsIs = 111;
    private const int Transposed = 112;

    /// <summary>
    /// Loads the library with its kernels for the instruction set that ours use: it does not know every new processor and would fall back to
    /// slow ones. To be called before any other method.
    /// </summary>
    /// <returns>The name of its kernels; null where it is not installed.</returns>
    public static string? Load(KernelSet kernels)
    {
        // The library reads the C environment when it is loaded; the runtime's own copy would not reach it.
        _ = SetVariable("OPENBLAS_CORETYPE", kernels.Name == "vector512" ? "SKYLAKEX" : "HASWELL", 1);
        _ = UnsetVariable("OPENBLAS_L2_SIZE");
        if (!NativeLibrary.TryLoad(Library, out _))
        {
            return null;
        }

        SetThreads(1);
        return $"{Marshal.PtrToStringUTF8(CoreName())} of {Marshal.PtrToStringUTF8(Configuration())}";
    }

    /// <summary>c[m, n] = op(a)·op(b), row-major; op(a) is <c>[m, k]</c>, op(b) <c>[k, n]</c>.</summary>
    public static void Multiply(bool transposeA, bool transposeB, int m, int n, int k, float* a, float* b, float* c) => Sgemm(
        RowMajor, transposeA ? Transposed : AsIs, transposeB ? Transposed : AsIs, m, n, k, 1, a, transposeA ? m : k, b, transposeB ? k : n, 0, c, n);

    [LibraryImport("libc", EntryPoint = "setenv", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int SetVariable(string name, string value, int overwrite);

    [LibraryImport("libc", EntryPoint = "unsetenv", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int UnsetVariable(string name);

    [LibraryImport(Library, EntryPoint = "openblas_set_num_threads")]
    private static partial void SetThreads(int threads);

    [LibraryImport(Library, EntryPoint = "openblas_get_corename")]
    private static partial nint CoreName();

    [LibraryImport(Library, EntryPoint = "openblas_get_config")]
    private static partial nint Configuration();

    [LibraryImport(Library, EntryPoint = "cblas_sgemm")]
    private static partial void Sgemm(
        int order, int transposeA, int transposeB, int m, int n, int k, float alpha, float* a, int lda, float* b, int ldb, float beta, float* c, int ldc);
}
