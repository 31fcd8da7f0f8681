using ActorMlp.Benchmarks.Steps;
using ActorMlp.Peers.TorchSharp;

StepServer.Run(Console.In, Console.Out, task => new TorchStepTrainer(task));
