using System.Diagnostics;
using ActorMlp.Engine.Numerics;

namespace ActorMlp.Benchmarks.Steps;

/// <summary>What a peer's process is started with, so that it computes with the threads and vectors that our kernels have.</summary>
internal static class PeerEnvironment
{
    private static readonly Dictionary<string, string> Avx2Only = new()
    {
        ["ATEN_CPU_CAPABILITY"] = "avx2",
        ["MKL_ENABLE_INSTRUCTIONS"] = "AVX2",
        ["DNNL_MAX_CPU_ISA"] = "AVX2",
    };

    /// <summary>Sets the environment of a process that is to be started.</summary>
    /// <param name="start">The process.</param>
    /// <param name="threads">Its compute threads.</param>
    public static void Apply(ProcessStartInfo start, int threads)
    {
        start.Environment["OMP_NUM_THREADS"] = $"{threads}";
        start.Environment["MKL_NUM_THREADS"] = $"{threads}";

        // OpenBLAS does not know every new processor, and machines may be set up to hold it to older kernels: a peer gets the best of ours' width.
        start.Environment["OPENBLAS_CORETYPE"] = KernelSelection.Name == "vector512" ? "SKYLAKEX" : "HASWELL";
        start.Environment.Remove("OPENBLAS_L2_SIZE");
        if (KernelSelection.Name == "vector256")
        {
            foreach ((string key, string value) in Avx2Only)
            {
                start.Environment[key] = value;
            }
        }
    }
}
