using ActorMlp.Benchmarks.Steps;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace ActorMlp.Peers.TorchSharp;

/// <summary>
/// TorchSharp's side, written as its users write it: a sequential module, cross-entropy, backward, optimizer, the scalar loss. Batches are views of
/// one tensor, which spares it the gathering of rows that the engine does.
/// </summary>
internal sealed class TorchStepTrainer : IStepTrainer
{
    private readonly Tensor inputs;
    private readonly Tensor labels;
    private readonly Sequential network;
    private readonly optim.Optimizer optimizer;
    private readonly int rows;
    private readonly int batch;
    private long step;

    public TorchStepTrainer(StepTask task)
    {
        set_num_threads(task.Threads);
        StepData data = StepData.Load(task.DataFile);
        (rows, batch) = (data.Rows, task.Batch);
        inputs = tensor(data.Inputs, [data.Rows, data.Width]);
        labels = tensor(data.Labels.Select(label => (long)label).ToArray());
        network = Build(task.Layers);
        optimizer = task.Optimizer == "adam"
            ? optim.Adam(network.parameters(), task.LearningRate)
            : optim.SGD(network.parameters(), task.LearningRate, momentum: 0.9);
    }

    public float Step()
    {
        using DisposeScope scope = NewDisposeScope();
        long first = step * batch % (rows / batch * batch);
        optimizer.zero_grad();
        using Tensor output = network.forward(inputs.narrow(0, first, batch));
        using Tensor loss = nn.functional.cross_entropy(output, labels.narrow(0, first, batch));
        loss.backward();
        optimizer.step();
        step++;
        return loss.item<float>();
    }

    public void Dispose()
    {
        optimizer.Dispose();
        network.Dispose();
        inputs.Dispose();
        labels.Dispose();
    }

    private static Sequential Build(int[] layers)
    {
        var modules = new List<nn.Module<Tensor, Tensor>>();
        for (int layer = 0; layer < layers.Length - 1; layer++)
        {
            int fanIn = layers[layer], units = layers[layer + 1];
            Linear linear = nn.Linear(fanIn, units);
            float[] weights = new float[units * fanIn];
            for (int i = 0; i < weights.Length; i++)
            {
                weights[i] = StepData.InitialWeight(layer, i % fanIn, i / fanIn, fanIn);
            }

            using (no_grad())
            {
                // Left to the finalizer's thread, a tensor over managed memory is freed while others are made, and the process ends by SIGSEGV now and then.
                using Tensor initial = tensor(weights, [units, fanIn]);
                linear.weight!.copy_(initial);
                linear.bias!.zero_();
            }

            modules.Add(linear);
            if (layer < layers.Length - 2)
            {
                modules.Add(nn.ReLU());
            }
        }

        return nn.Sequential(modules);
    }
}
